package metadata

import (
	"iter"
	"slices"
	"strings"
)

// ResourceType says what a config applies to, by the numbers of the protocol.
type ResourceType int8

// The types of resources that have configs.
const (
	ResourceTopic         ResourceType = 2
	ResourceBroker        ResourceType = 4
	ResourceClientMetrics ResourceType = 16
	ResourceGroup         ResourceType = 32
)

// Resource is what a config applies to. The broker with the empty name stands
// for all brokers.
type Resource struct {
	Type ResourceType
	Name string
}

func (r Resource) key() string { return string([]byte{byte(r.Type)}) + r.Name }

// Config is the configs that were set on one resource, in the order of their
// names. It is immutable; the zero Config is empty.
type Config []ConfigEntry

// ConfigEntry is one config that was set.
type ConfigEntry struct {
	Name, Value string
}

func (c Config) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c, name, func(e ConfigEntry, name string) int { return strings.Compare(e.Name, name) })
}

// Get returns the value of a config that was set.
func (c Config) Get(name string) (string, bool) {
	if i, ok := c.find(name); ok {
		return c[i].Value, true
	}
	return "", false
}

// Map is the entries by name, for the caller to keep.
func (c Config) Map() map[string]string {
	m := make(map[string]string, len(c))
	for _, e := range c {
		m[e.Name] = e.Value
	}
	return m
}

// with is c after the change; a nil value removes the entry.
func (c Config) with(name string, value *string) Config {
	i, ok := c.find(name)
	switch {
	case value == nil && !ok:
		return c
	case value == nil:
		return slices.Concat(c[:i], c[i+1:])
	case ok:
		c = slices.Clone(c)
		c[i].Value = *value
		return c
	default:
		return slices.Concat(c[:i], Config{{name, *value}}, c[i:])
	}
}

// Config returns what was set on the resource.
func (img *Image) Config(r Resource) Config {
	c, _ := img.configs.get(r.key())
	return c
}

// TopicConfig is Config of a topic.
func (img *Image) TopicConfig(topic string) Config {
	return img.Config(Resource{ResourceTopic, topic})
}

// ConfigsOf yields every resource of a type on which configs were set, in the
// order of their names.
func (img *Image) ConfigsOf(t ResourceType) iter.Seq2[string, Config] {
	return func(yield func(string, Config) bool) {
		for key, c := range img.configs.withPrefix(string([]byte{byte(t)})) {
			if !yield(key[1:], c) {
				return
			}
		}
	}
}
