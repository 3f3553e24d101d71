package quotas

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// world is a broker with one topic, and clients that are limited or not.
type world struct {
	t       *testing.T
	address string
}

// onBoth tells a story to Barnabas and to Kafka.
func onBoth(t *testing.T, story func(w *world)) {
	for name, start := range map[string]func(*testing.T) string{
		"barnabas": func(t *testing.T) string { return barnabas.Run(t, barnabas.Options{}).Bootstrap() },
		"kafka": func(t *testing.T) string {
			return oracle.Run(t, oracle.Options{Properties: map[string]string{"auto.create.topics.enable": "false"}}).Bootstrap()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, address: start(t)}
			w.createTopic("unlimited", "t", 1)
			for code := int16(-1); code != 0; { // until it is there
				code = w.produce("unlimited", 1000).Topics[0].Partitions[0].ErrorCode
			}
			story(w)
		})
	}
}

// dial is a connection of a client. One that was throttled is not read for a while.
func (w *world) dial(clientID string) *wire.Conn {
	w.t.Helper()
	c, err := wire.Dial(w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.ClientID = &clientID
	return c
}

// ask is a request of a client over a connection of its own.
func ask[P kmsg.Response](w *world, clientID string, version int16, q kmsg.Request) P {
	w.t.Helper()
	c := w.dial(clientID)
	defer c.Close()
	return askOn[P](w, c, version, q)
}

func askOn[P kmsg.Response](w *world, c *wire.Conn, version int16, q kmsg.Request) P {
	w.t.Helper()
	q.SetVersion(version)
	p, err := c.Call(q)
	if err != nil {
		w.t.Fatalf("%s: %v", kmsg.NameForKey(q.Key()), err)
	}
	return p.(P)
}

// limit is a limit of an entity of one part.
type limit struct {
	kind, name, key string
	perSecond       float64
}

// limits sets limits, and waits until they hold: a client of its own is limited with them.
func (w *world) limits(all ...limit) {
	w.t.Helper()
	q := kmsg.NewPtrAlterClientQuotasRequest()
	for _, l := range append(all, limit{"client-id", "probe", "producer_byte_rate", 1}) {
		part := kmsg.NewAlterClientQuotasRequestEntryEntity()
		part.Type, part.Name = l.kind, &l.name
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value = l.key, l.perSecond
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity, entry.Ops = append(entry.Entity, part), append(entry.Ops, op)
		q.Entries = append(q.Entries, entry)
	}
	for _, e := range ask[*kmsg.AlterClientQuotasResponse](w, "unlimited", 1, q).Entries {
		if e.ErrorCode != 0 {
			w.t.Fatalf("setting a limit: error %d", e.ErrorCode)
		}
	}
	for w.produce("probe", 1000).ThrottleMillis == 0 {
	}
}

func (w *world) createTopic(clientID, name string, partitions int32, version ...int16) (code int16, throttle int32) {
	w.t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	q := kmsg.NewPtrCreateTopicsRequest()
	q.Topics, q.TimeoutMillis = append(q.Topics, topic), 20_000
	p := ask[*kmsg.CreateTopicsResponse](w, clientID, append(version, 7)[0], q)
	return p.Topics[0].ErrorCode, p.ThrottleMillis
}

// produceOf is a request whose body has about so many bytes: some 100 more.
func produceOf(bytes int) *kmsg.ProduceRequest {
	topic, p := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	p.Records = wire.NewBatch(1_700_000_000_000, wire.Record{Value: make([]byte, bytes)}).Encode()
	topic.Topic, topic.Partitions = "t", append(topic.Partitions, p)
	q := kmsg.NewPtrProduceRequest()
	q.Acks, q.TimeoutMillis, q.Topics = 1, 20_000, append(q.Topics, topic)
	return q
}

func (w *world) produce(clientID string, bytes int) *kmsg.ProduceResponse {
	w.t.Helper()
	return ask[*kmsg.ProduceResponse](w, clientID, 9, produceOf(bytes))
}

func fetchOf(bytesMax int32) *kmsg.FetchRequest {
	topic, p := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes, p.CurrentLeaderEpoch = bytesMax, -1
	topic.Topic, topic.Partitions = "t", append(topic.Partitions, p)
	q := kmsg.NewPtrFetchRequest()
	q.ReplicaID, q.MaxBytes, q.SessionEpoch, q.MinBytes, q.MaxWaitMillis = -1, bytesMax, -1, 1, 1000
	q.Topics = append(q.Topics, topic)
	return q
}

// fetched is how many bytes of records an answer has.
func fetched(p *kmsg.FetchResponse) (bytes int) {
	for i := range p.Topics {
		for j := range p.Topics[i].Partitions {
			bytes += len(p.Topics[i].Partitions[j].RecordBatches)
		}
	}
	return bytes
}
