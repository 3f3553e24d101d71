package api

import "github.com/barnabas-mq/barnabas/protocol"

// answerBytes is how long the answer would be: what Kafka counts a fetch with
// (FetchResponse.sizeOf, which counts 4 bytes more than the body has). Of a topic with
// more than a hundred partitions a byte is missing.
func (c *fetchCall) answerBytes() int {
	if c.incremental {
		c.session.mu.Lock()
		defer c.session.mu.Unlock()
	}
	version := c.header.Version
	b := protocol.AppendFetchStart(nil, version, 0, 0, 0, len(c.items))
	records, last := 0, -1
	for i := range c.items {
		item := &c.items[i]
		if c.incremental && !item.isNews() {
			continue
		}
		if last < 0 || !c.sameTopic(last, i) {
			b = protocol.AppendFetchTopic(b, version, item.key.name, item.key.id, 1)
			b = protocol.AppendFetchTopicEnd(b, version)
		}
		last = i
		b = protocol.AppendFetchPartition(b, version, &item.result, item.bytes())
		b = protocol.AppendFetchPartitionEnd(b, version, &item.result)
		records += item.bytes()
	}
	return 4 + len(protocol.AppendFetchEnd(b, version, nil)) + records
}

// answerThrottled answers with nothing (FetchContext.getThrottledResponse). What the
// session has told of its partitions stays, and one that would have begun does not; the
// throttle time is written by the charge.
func (c *fetchCall) answerThrottled(r *Request) {
	version, sessionID := c.header.Version, int32(0)
	if c.incremental {
		sessionID = c.session.id
	}
	out := r.Call.Out()
	b := protocol.AppendFetchStart(beginAnswer(out, c.header), version, 0, 0, sessionID, 0)
	out.SetBytes(protocol.AppendFetchEnd(b, version, nil))
	out.End()
}
