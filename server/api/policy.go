package api

import (
	"sync"
	"sync/atomic"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// policies keeps each topic's effective settings, so that a produce request does
// not resolve them anew. An entry is valid for the image and the broker settings
// that it was made from; when either changes, it is checked again and kept if the
// topic's own overrides are the same.
type policies struct {
	mu     sync.RWMutex
	topics map[protocol.UUID]*policy
}

// policy is what holds for one topic.
type policy struct {
	config.Topic
	settings  *config.Broker
	overrides metadata.Config
	image     atomic.Pointer[metadata.Image] // the newest image that it is known to hold for
}

// of returns the effective settings of a topic of the image.
func (c *policies) of(image *metadata.Image, settings *config.Broker, t *metadata.Topic) *policy {
	c.mu.RLock()
	p := c.topics[t.ID]
	c.mu.RUnlock()
	if p != nil && p.settings == settings && p.image.Load() == image {
		return p
	}
	overrides := image.TopicConfig(t.Name)
	if p != nil && p.settings == settings && sameConfig(p.overrides, overrides) {
		p.image.Store(image)
		return p
	}
	p = &policy{Topic: settings.Topic(overrides.Map()), settings: settings, overrides: overrides}
	p.image.Store(image)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics == nil || len(c.topics) > 2*image.TopicCount()+16 {
		c.topics = make(map[protocol.UUID]*policy) // deleted topics are forgotten
	}
	c.topics[t.ID] = p
	return p
}

// sameConfig compares by identity: a Config is never changed in place.
func sameConfig(a, b metadata.Config) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
