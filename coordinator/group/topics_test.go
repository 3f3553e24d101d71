package group

import (
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// topicsFake are topics made by hand.
type topicsFake struct {
	version int64
	topics  map[string]Topic
}

func (f *topicsFake) Version() int64 { return f.version }
func (f *topicsFake) Topic(name string) (Topic, bool) {
	t, ok := f.topics[name]
	return t, ok
}
func (f *topicsFake) TopicByID(id protocol.UUID) (Topic, bool) {
	for _, t := range f.topics {
		if t.ID == id {
			return t, true
		}
	}
	return Topic{}, false
}
func (f *topicsFake) Names() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(f.topics)))
}

func uuidOf(t *testing.T, digits string) (id protocol.UUID) {
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		t.Fatal(err)
	}
	return id
}

// The hashes are those of groups in the log of Apache Kafka 4.3.1, on a broker
// with broker.rack=r1.
func TestGroupHashIsKafkas(t *testing.T) {
	topics := &topicsFake{topics: map[string]Topic{
		"t": {Name: "t", ID: uuidOf(t, "b9f9a9ad3e234a658b8cc0ee9fa9daa8"), Partitions: 3, Racks: []string{"r1"}},
		"u": {Name: "u", ID: uuidOf(t, "d5f8dd7c539f4cb1bc00e61316e77b44"), Partitions: 2, Racks: []string{"r1"}},
	}}
	for _, c := range []struct {
		names []string
		want  uint64
	}{
		{[]string{"t"}, 0x67ceb77c6d6d099c},
		{[]string{"t", "u"}, 0x37a9fff93e1d6c12},
		{[]string{"u"}, 0x23cc19c94857ccae},
		{[]string{"gone"}, 0},
		{nil, 0},
	} {
		if got := (topicHashes{}).of(c.names, topics); uint64(got) != c.want {
			t.Errorf("%v: %x, want %x", c.names, uint64(got), c.want)
		}
	}
}
