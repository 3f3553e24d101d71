package group

import (
	"encoding/binary"
	"iter"
	"unicode/utf16"

	"github.com/zeebo/xxh3"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Topics is what there is of topics at one moment. It is immutable.
type Topics interface {
	// Version rises whenever anything about topics changes.
	Version() int64
	Topic(name string) (Topic, bool)
	TopicByID(id protocol.UUID) (Topic, bool)
	Names() iter.Seq[string]
}

// Topic is what groups have to know of a topic.
type Topic struct {
	Name       string
	ID         protocol.UUID
	Partitions int32 // their number
	// Racks are those that hold a replica of a partition, the same for all, since
	// all replicas are on one node.
	Racks []string
}

// withoutTopics is for a machine that is given none.
type withoutTopics struct{}

func (withoutTopics) Version() int64                        { return 0 }
func (withoutTopics) Topic(string) (Topic, bool)            { return Topic{}, false }
func (withoutTopics) TopicByID(protocol.UUID) (Topic, bool) { return Topic{}, false }
func (withoutTopics) Names() iter.Seq[string]               { return func(func(string) bool) {} }

// topicHashes remembers the hashes of topics, which cost a pass over all their
// partitions.
type topicHashes map[topicShape]uint64

// topicShape is what a topic's hash depends on; its name goes with the id.
type topicShape struct {
	id         protocol.UUID
	partitions int32
}

const topicHashesMax = 10_000

// of is the hash of the topics that a group reads, by which the group sees that
// one came, grew or went (KIP-1101; Kafka's computeGroupHash and computeTopicHash,
// in xxh3 over little-endian numbers). 0 when none of them exists.
func (h topicHashes) of(names []string, topics Topics) int64 {
	var b []byte
	for _, name := range names {
		if t, ok := topics.Topic(name); ok {
			b = binary.LittleEndian.AppendUint64(b, h.topic(t))
		}
	}
	if len(b) == 0 {
		return 0
	}
	return int64(xxh3.Hash(b))
}

func (h topicHashes) topic(t Topic) uint64 {
	shape := topicShape{t.ID, t.Partitions}
	if sum, ok := h[shape]; ok {
		return sum
	}
	const magic = 0
	b := []byte{magic}
	b = binary.LittleEndian.AppendUint64(b, binary.BigEndian.Uint64(t.ID[:8]))
	b = binary.LittleEndian.AppendUint64(b, binary.BigEndian.Uint64(t.ID[8:]))
	b = appendJavaString(b, t.Name)
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Partitions))
	for p := range t.Partitions {
		b = binary.LittleEndian.AppendUint32(b, uint32(p))
		for _, rack := range t.Racks {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(utf16.Encode([]rune(rack)))))
			b = appendJavaString(b, rack)
		}
	}
	if len(h) >= topicHashesMax {
		clear(h)
	}
	sum := xxh3.Hash(b)
	h[shape] = sum
	return sum
}

// appendJavaString is how hash4j, which Kafka uses, feeds a string: its UTF-16
// units and then their number.
func appendJavaString(b []byte, s string) []byte {
	units := utf16.Encode([]rune(s))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return binary.LittleEndian.AppendUint32(b, uint32(len(units)))
}
