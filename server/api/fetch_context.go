package api

import "github.com/barnabas-mq/barnabas/protocol"

// openContext works out which partitions the request is about, by itself or by
// its session, and leaves them in items.
func (c *fetchCall) openContext() error {
	c.items = c.items[:0]
	c.session, c.incremental, c.creating = nil, false, false
	q := &c.request
	if q.SessionEpoch != sessionEpochInitial && q.SessionEpoch != sessionEpochFinal {
		return c.openIncremental()
	}
	if q.SessionID != 0 {
		c.api.sessions.remove(q.SessionID)
	}
	c.creating = q.SessionEpoch == sessionEpochInitial
	for i := range q.Topics {
		t := &q.Topics[i]
		name := c.nameOf(t.Name)
		for j := range t.Partitions {
			p := &t.Partitions[j]
			c.items = append(c.items, fetchItem{key: partitionKey{id: t.ID, name: name, index: p.Index}, want: wantedOf(p)})
		}
	}
	c.mergeRepeated()
	return nil
}

// fewItems is how many items are compared with each other; more go through a map.
const fewItems = 16

// mergeRepeated lets a partition that is asked for twice count once: at its first
// place, with what was asked last, as in Kafka's map.
func (c *fetchCall) mergeRepeated() {
	var places map[partitionKey]int
	if len(c.items) > fewItems {
		places = make(map[partitionKey]int, len(c.items))
	}
	n := 0
	for i := range c.items {
		at, again := places[c.items[i].key]
		for j := 0; places == nil && j < n && !again; j++ {
			at, again = j, c.items[j].key == c.items[i].key
		}
		if again {
			c.items[at].want = c.items[i].want
			continue
		}
		if places != nil {
			places[c.items[i].key] = n
		}
		c.items[n] = c.items[i]
		n++
	}
	c.items = c.items[:n]
}

// nameOf is the topic's own string where it exists, so that nothing is copied.
func (c *fetchCall) nameOf(name []byte) string {
	if len(name) == 0 {
		return ""
	}
	if t := c.image.TopicBytes(name); t != nil {
		return t.Name
	}
	return string(name)
}

// topicName is the name of the topic that has the id, empty for none.
func (c *fetchCall) topicName(key partitionKey) string {
	if c.header.Version < 13 {
		return ""
	}
	if t := c.image.TopicByID(key.id); t != nil {
		return t.Name
	}
	return ""
}

func wantedOf(p *protocol.FetchPartition) wanted {
	return wanted{offset: p.FetchOffset, maxBytes: p.MaxBytes, leaderEpoch: p.CurrentLeaderEpoch, lastFetchedEpoch: p.LastFetchedEpoch}
}

func (c *fetchCall) openIncremental() error {
	s := c.api.sessions.find(c.request.SessionID)
	if s == nil {
		return protocol.ErrFetchSessionIDNotFound
	}
	ended, err := c.continueSession(s)
	if ended {
		c.api.sessions.remove(s.id)
	}
	return err
}

// continueSession takes what the request changes into its session and leaves the
// session's partitions in items. It tells whether the session ends; the caller
// removes it, because nobody waits for the cache with a session's lock in hand.
func (c *fetchCall) continueSession(s *session) (ended bool, err error) {
	q := &c.request
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.advance(q.SessionEpoch, c.header.Version >= 13, c.api.Clock.Monotonic()); err != nil {
		return false, err
	}
	for i := range q.Topics {
		t := &q.Topics[i]
		name := c.nameOf(t.Name)
		for j := range t.Partitions {
			s.set(partitionKey{id: t.ID, name: name, index: t.Partitions[j].Index}, wantedOf(&t.Partitions[j]))
		}
	}
	if n := len(s.mu.partitions); n > c.settings.RequestPartitionsMax {
		return true, tooManyPartitions(n, c.settings) // a session is one request told in pieces
	}
	for i := range q.Forgotten {
		t := &q.Forgotten[i]
		name := c.nameOf(t.Name)
		for _, index := range t.Partitions {
			s.forget(partitionKey{id: t.ID, name: name, index: index})
		}
	}
	if len(s.mu.partitions) == 0 {
		return true, nil // nothing is left: answered as without a session
	}
	c.session, c.incremental = s, true
	for p := s.mu.first; p != nil; p = p.next {
		if p.topic == "" {
			p.topic = c.topicName(p.key)
		}
		c.items = append(c.items, fetchItem{key: p.key, want: p.want, inSession: p, topic: p.topic})
	}
	return false, nil
}

// isNews tells whether an incremental answer must say something of the item: it has
// records, an error, or other marks than were told. The session's lock is held.
func (i *fetchItem) isNews() bool {
	r, told := &i.result, i.inSession
	return i.chunk.Bytes > 0 || r.ErrorCode != 0 || r.Diverging != nil || told.high != r.HighWatermark || told.start != r.LogStartOffset
}

// closeContext decides what an incremental answer leaves out, or makes the new
// session, and gives the session id to answer with.
func (c *fetchCall) closeContext() int32 {
	switch {
	case c.incremental:
		c.session.mu.Lock()
		defer c.session.mu.Unlock()
		for i := range c.items {
			item := &c.items[i]
			item.omit = !item.isNews()
			c.session.served(item.inSession, item.result.ErrorCode, item.chunk.Bytes, item.result.HighWatermark, item.result.LogStartOffset)
		}
		return c.session.id
	case c.creating:
		partitions := make([]*sessionPartition, len(c.items))
		for i := range c.items {
			item := &c.items[i]
			p := &sessionPartition{key: item.key, want: item.want, topic: c.topicName(item.key), high: item.result.HighWatermark, start: item.result.LogStartOffset}
			if item.result.ErrorCode != 0 {
				p.high = protocol.None
			}
			partitions[i] = p
		}
		if s := c.api.sessions.create(c.header.Version >= 13, partitions); s != nil {
			return s.id
		}
	}
	return 0
}
