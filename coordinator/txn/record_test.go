package txn

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
)

func fromHex(t testing.TB, text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kafkasRecords are values that Apache Kafka 4.3.1 has written for the same requests
// that made Barnabas write the same bytes, but for times.
var kafkasRecords = []struct{ what, value string }{
	{"a first producer", "00010000000000000000000000009c400000000001a21680d09dffffffffffffffff0100080000000000000000"},
	{"a first partition", "00010000000000000000000000009c4001020274020000000000000001a21680d1ba000001a21680d1ba020008000000000000000002020002"},
	{"a second topic", "00010000000000000000000000009c40010302740200000000000275020000000100000001a21680d216000001a21680d1ba020008000000000000000002020002"},
	{"a commit", "00010000000000000000000100009c40020302740200000000000275020000000100000001a21680d228000001a21680d1ba020008000000000000000002020002"},
	{"its end", "00010000000000000000000100009c400401000001a21680d238000001a21680d1ba020008000000000000000002020002"},
	{"an abort", "00010000000000000000000200009c4003020275020000000000000001a21680d3c6000001a21680d3c0020008000000000000000002020002"},
	{"its end", "00010000000000000000000200009c400501000001a21680d3c7000001a21680d3c0020008000000000000000002020002"},
	{"the next producer", "00010000000000000000000400009c400000000001a21680d8b6ffffffffffffffff020008000000000000000002020002"},
}

func TestRecordsAreKafkas(t *testing.T) {
	if id, err := parseKey(fromHex(t, "0000000178")); err != nil || id != "x" {
		t.Errorf("the key is %q, %v", id, err)
	}
	for _, c := range kafkasRecords {
		d, err := parseValue(fromHex(t, c.value))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		r := d.record("x", 2)
		if got := hex.EncodeToString(r.Value); got != c.value {
			t.Errorf("%s is written as\n%s, Kafka wrote\n%s", c.what, got, c.value)
		}
		if !bytes.Equal(r.Key, fromHex(t, "0000000178")) {
			t.Errorf("the key is %x", r.Key)
		}
		d.previousID, d.version = -1, 0 // version 0 does not have them
		old, err := parseValue(d.record("x", 0).Value)
		if err != nil || !reflect.DeepEqual(old, d) {
			t.Errorf("%s in version 0 is %+v, %v, want %+v", c.what, old, err, d)
		}
	}
}

func TestRecordsThatAreRefused(t *testing.T) {
	good := kafkasRecords[2].value
	for what, value := range map[string]string{
		"nothing": "", "half a version": "00", "a newer version": "0002" + good[4:], "a negative version": "ffff" + good[4:],
		"cut off": good[:40], "state 6": "00010000000000000000000000009c400601000001a21680d238000001a21680d1ba00",
	} {
		m := NewMachine(Config{}, Hooks{})
		if err := m.Apply(0, coordinator.Record{Key: recordKey("x"), Value: fromHex(t, value)}, coordinator.NoProducer); err == nil {
			t.Errorf("%s was read", what)
		}
	}
	m := NewMachine(Config{}, Hooks{})
	if err := m.Apply(0, coordinator.Record{Key: []byte{0, 9, 1}, Value: []byte{1}}, coordinator.NoProducer); err != nil || len(m.transactions) > 0 {
		t.Errorf("a key of an unknown kind: %v, want it passed over", err)
	}
}

// FuzzRecord: any bytes are read or refused, and what is read is written as it was.
func FuzzRecord(f *testing.F) {
	for _, c := range kafkasRecords {
		f.Add(fromHex(f, "0000000178"), fromHex(f, c.value))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		m := NewMachine(Config{}, Hooks{})
		if m.Apply(0, coordinator.Record{Key: key, Value: value}, coordinator.NoProducer) != nil {
			return
		}
		for id, tx := range m.transactions {
			again, err := parseValue(tx.durable.record(id, 2).Value)
			if err != nil || !reflect.DeepEqual(again, tx.durable) {
				t.Errorf("%+v becomes %+v, %v", tx.durable, again, err)
			}
		}
	})
}

// A key is what a codec made from Kafka's schemas writes and reads.
func FuzzKey(f *testing.F) {
	for _, text := range []string{"0000000178", "00000000", "0000ffff", "000000027a", "0001000178", "00"} {
		f.Add(fromHex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := parseKey(b)
		if err == errUnknownKey {
			return
		}
		want := kmsg.NewTxnMetadataKey()
		if wantErr := want.ReadFrom(b); (err == nil) != (wantErr == nil) || err == nil && id != want.TransactionalID {
			t.Fatalf("%q, %v; want %q, %v", id, err, want.TransactionalID, wantErr)
		}
		if err == nil && !bytes.Equal(recordKey(id), want.AppendTo(nil)) {
			t.Errorf("key %x, want %x", recordKey(id), want.AppendTo(nil))
		}
	})
}

// Values are what a codec made from Kafka's schemas writes, in both versions.
func TestValuesAgreeWithKmsg(t *testing.T) {
	partitions := []TopicPartition{{"a", 0}, {"a", 7}, {"b", 1}, {strings.Repeat("c", 249), 3}}
	for n := range len(partitions) + 1 {
		for state := Empty; state <= CompleteAbort; state++ {
			for tags := range 16 {
				d := durable{
					producer: coordinator.Producer{ID: 1 << 40, Epoch: 12}, previousID: -1, nextID: -1, nextEpoch: -1,
					timeout: 40 * time.Second, state: state, updatedAt: 1 << 41, startedAt: -1,
				}
				if state != Empty {
					d.partitions = partitions[:n]
				}
				if tags&1 != 0 {
					d.previousID = 5
				}
				if tags&2 != 0 {
					d.nextID = 1 << 50
				}
				if tags&4 != 0 {
					d.version = 2
				}
				if tags&8 != 0 {
					d.nextEpoch = 9
				}
				for version := range int16(2) {
					if got, want := d.appendValue(nil, version), kmsgValue(&d, version); !bytes.Equal(got, want) {
						t.Fatalf("%+v in version %d is %x, want %x", d, version, got, want)
					}
				}
			}
		}
	}
}

func kmsgValue(d *durable, version int16) []byte {
	v := kmsg.NewTxnMetadataValue()
	v.Version = version
	v.ProducerID, v.ProducerEpoch = int64(d.producer.ID), d.producer.Epoch
	v.TimeoutMillis, v.State = int32(d.timeout.Milliseconds()), kmsg.TransactionState(d.state)
	v.LastUpdateTimestamp, v.StartTimestamp = int64(d.updatedAt), int64(d.startedAt)
	v.PreviousProducerID, v.NextProducerID = int64(d.previousID), int64(d.nextID)
	v.ClientTransactionVersion, v.NextProducerEpoch = d.version, d.nextEpoch
	if d.state != Empty {
		v.Topics = []kmsg.TxnMetadataValueTopic{}
	}
	for _, p := range d.partitions {
		if n := len(v.Topics); n == 0 || v.Topics[n-1].Topic != p.Topic {
			v.Topics = append(v.Topics, kmsg.TxnMetadataValueTopic{Topic: p.Topic})
		}
		last := &v.Topics[len(v.Topics)-1]
		last.Partitions = append(last.Partitions, p.Partition)
	}
	return v.AppendTo(nil)
}

// What a record takes at most is found without writing it.
func TestARecordTakesNoMoreThanItsBound(t *testing.T) {
	long := strings.Repeat("x", stringBytesMax)
	for _, topics := range [][]string{nil, {""}, {"a", "b", "c"}, {long, long + "y"}} {
		d := durable{
			producer: coordinator.Producer{ID: 1 << 62, Epoch: 1}, previousID: 1, nextID: 2, state: Ongoing,
			updatedAt: 1 << 60, startedAt: 1 << 60, version: 2, nextEpoch: 3, timeout: time.Hour,
		}
		for _, topic := range topics {
			d.partitions = append(d.partitions, TopicPartition{Topic: topic, Partition: 1 << 30})
		}
		for _, id := range []string{"", long} {
			for level := range int16(3) {
				r := d.record(id, level)
				if got, bound := len(r.Key)+len(r.Value), d.recordBytesAtMost(id); got > bound {
					t.Errorf("%d topics: %d bytes, above %d", len(topics), got, bound)
				}
			}
		}
	}
}
