package clients

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

const (
	// recordsPerTopic are enough for each kind of record several times, and for two of 10 KB.
	recordsPerTopic = 60
	// recordsPerWriter sets the records of one client apart from those of the next.
	recordsPerWriter = 1000
	// noTimestamp is how a record of format 0 lies in a log of format 2.
	noTimestamp = int64(-1)
)

// TestEachReadsWhatEveryoneWrote: clients of all times write to topics of their
// own, one for each codec, and every client reads them all: what came in by the
// oldest message format goes out by the newest, and the other way round. Every
// byte, offset and timestamp is compared, headers where both know them.
func TestEachReadsWhatEveryoneWrote(t *testing.T) {
	parent := t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to run a part, in compat-tests: %s=%s go test -count=1 ./clients -run '^%s$/^(write|read)$/^(WRITER|READER)$'",
				target.Env, target.Name(), t.Name())
		}
	})
	e := &everyone{broker: target.Run(t, nil).Bootstrap(), began: time.Now(), programs: map[string]Program{}, topics: map[string]*written{}}
	each := func(step string, run func(t lasting, index int, client Client)) {
		began := time.Now()
		t.Run(step, func(t *testing.T) {
			for i, client := range Clients {
				t.Run(client.Name, func(t *testing.T) {
					t.Parallel()
					needTarget(t, client)
					passes(t, client, step)
					run(lasting{t, parent}, i, client)
				})
			}
		})
		t.Logf("%s: %v", step, time.Since(began).Round(time.Second))
	}
	each("write", e.write)
	t.Logf("%d clients wrote %d topics", len(e.programs), len(e.topics))
	each("read", e.read)
}

// everyone is the running scenario.
type everyone struct {
	broker string
	began  time.Time

	mu       sync.Mutex
	programs map[string]Program
	topics   map[string]*written // by name
}

// lasting is a part of the test whose folders stay for the next.
type lasting struct {
	*testing.T
	whole *testing.T
}

func (l lasting) TempDir() string { return l.whole.TempDir() }

// written is a topic as it lies in the log, by the judge.
type written struct {
	codec   string
	records []stored
}

func (e *everyone) write(t lasting, index int, client Client) {
	p := Install(t, client)
	codecs := client.Codecs
	if len(client.OptionalCodecs) > 0 {
		_, codecs = p.About(t)
	}
	lacks := client.Lacks
	lacks.NullHeaders = true // kafka-python 1.4 cannot even read them
	records := makeRecords(index*recordsPerWriter, recordsPerTopic, lacks)
	for i := range records {
		at := e.began.UnixMilli() + int64(i)
		records[i].Timestamp = &at
	}
	judge := newJudge(t, e.broker)
	topics := map[string]*written{}
	var names []string
	for _, codec := range codecs {
		name := client.Name + "-" + codec
		topics[name], names = &written{codec: codec}, append(names, name)
	}
	judge.create(1, names...)
	p.Write(t, e.broker, names, codecs, records)
	for _, s := range judge.stored(len(names)*recordsPerTopic, names...) {
		topics[s.Topic].records = append(topics[s.Topic].records, s)
	}
	for name, topic := range topics {
		if err := e.checkWritten(topic, records, client.Lacks); err != nil {
			t.Errorf("topic %s: %v", name, err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.programs[client.Name] = p
	maps.Copy(e.topics, topics)
}

// checkWritten compares the log with what was sent.
func (e *everyone) checkWritten(topic *written, sent []program.Record, lacks Lacks) error {
	if len(topic.records) != len(sent) {
		return fmt.Errorf("%d records, want %d", len(topic.records), len(sent))
	}
	for i, got := range topic.records {
		want := sent[i]
		want.Offset = int64(i)
		switch at := *got.Timestamp; {
		case lacks.Timestamps:
			none := noTimestamp
			want.Timestamp = &none
		case lacks.OwnTimestamps && at >= e.began.UnixMilli() && at <= time.Now().UnixMilli():
			want.Timestamp = &at
		}
		if got.codec != topic.codec {
			return fmt.Errorf("offset %d is stored with codec %s, the client was told %s", i, got.codec, topic.codec)
		}
		if err := sameRecord(got.Record, want, Lacks{}); err != nil {
			return fmt.Errorf("as stored: %w", err)
		}
	}
	return nil
}

func (e *everyone) read(t lasting, _ int, client Client) {
	p, installed := e.programs[client.Name]
	if !installed {
		t.Skip("the client has not written")
	}
	canRead := e.canRead(t.T, p)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(e.topics)) {
		if slices.Contains(canRead, e.topics[name].codec) {
			names = append(names, name)
		}
	}
	next := map[string]int64{}
	for _, got := range p.Read(t, e.broker, names, len(names)*recordsPerTopic) {
		topic, offset := e.topics[got.Topic], next[got.Topic]
		if topic == nil || offset == int64(len(topic.records)) {
			t.Fatalf("record %q %d is too many", got.Topic, got.Offset)
		}
		if err := sameRecord(got, topic.records[offset].Record, client.Lacks); err != nil {
			t.Fatalf("topic %s: %v", got.Topic, err)
		}
		next[got.Topic]++
	}
	for _, name := range names {
		if next[name] != recordsPerTopic {
			t.Errorf("topic %s: %d records were read, want %d", name, next[name], recordsPerTopic)
		}
	}
}

// canRead are the codecs of the topics that the client can read.
func (e *everyone) canRead(t *testing.T, p Program) []string {
	t.Helper()
	client := p.Client
	canRead := client.Reads
	if canRead == nil {
		canRead = client.Codecs
	}
	if len(client.OptionalCodecs) > 0 {
		_, codecs := p.About(t)
		canRead = slices.DeleteFunc(codecs, func(codec string) bool {
			return slices.Contains(client.Codecs, codec) && !slices.Contains(canRead, codec)
		})
	}
	if client.Lacks.Headers && target.Name() == target.Barnabas {
		// What is converted to an old format anyway comes in a codec that is as old.
		canRead = append(slices.Clone(canRead), "zstd")
	}
	return canRead
}

// sameRecord compares a record as far as its reader can tell.
func sameRecord(got, want program.Record, reader Lacks) error {
	if got.Partition != want.Partition || got.Offset != want.Offset {
		return fmt.Errorf("offset %d of partition %d, want %d of %d", got.Offset, got.Partition, want.Offset, want.Partition)
	}
	same, none := sameBytes, noTimestamp
	if reader.ReadsEmptyAsNull {
		same = bytes.Equal
	}
	if got.Timestamp == nil || reader.Timestamps {
		got.Timestamp = &none
	}
	if reader.Timestamps {
		want.Timestamp = &none
	}
	if reader.Headers {
		want.Headers = nil
	}
	if reader.DoubledHeaders {
		want.Headers = lastOfEach(want.Headers)
	}
	if reader.SortedHeaders {
		want.Headers = slices.Clone(want.Headers)
		sortHeaders(want.Headers)
	}
	switch {
	case !same(got.Key, want.Key):
		return fmt.Errorf("offset %d: key is %s, want %s", want.Offset, show(got.Key), show(want.Key))
	case !same(got.Value, want.Value):
		return fmt.Errorf("offset %d: value is %s, want %s", want.Offset, show(got.Value), show(want.Value))
	case *got.Timestamp != *want.Timestamp:
		return fmt.Errorf("offset %d: timestamp is %d, want %d", want.Offset, *got.Timestamp, *want.Timestamp)
	case reader.HeadersPerRecord && headerText(got.Headers) == headerText(want.Headers):
		return nil
	}
	if !slices.EqualFunc(got.Headers, want.Headers, func(a, b program.Header) bool { return a.Name == b.Name && same(a.Value, b.Value) }) {
		return fmt.Errorf("offset %d: headers are %q, want %q", want.Offset, got.Headers, want.Headers)
	}
	return nil
}

func lastOfEach(headers []program.Header) []program.Header {
	var last []program.Header
	for _, h := range headers {
		i := slices.IndexFunc(last, func(before program.Header) bool { return before.Name == h.Name })
		if i < 0 {
			last = append(last, h)
		} else {
			last[i] = h
		}
	}
	return last
}

// headerText is what a client that has headers as strings of C tells of them.
func headerText(headers []program.Header) string {
	var texts []string
	for _, h := range headers {
		value, _, _ := strings.Cut(string(h.Value), "\x00")
		texts = append(texts, h.Name+"="+value)
	}
	return strings.Join(texts, ",")
}

// The comparison itself must see each kind of damage, and overlook what a reader cannot tell.
func TestSameRecordSeesDamage(t *testing.T) {
	at := int64(1_700_000_000_000)
	undamaged := func() program.Record {
		r := makeRecord(1, Lacks{})
		r.Offset, r.Timestamp = 1, &at
		return r
	}
	other := at + 1
	damages := map[string]struct {
		damage     func(*program.Record)
		overlooker Lacks // whose reader cannot tell
	}{
		"an offset":     {damage: func(r *program.Record) { r.Offset++ }},
		"a partition":   {damage: func(r *program.Record) { r.Partition++ }},
		"a key":         {damage: func(r *program.Record) { r.Key = nil }},
		"a value":       {damage: func(r *program.Record) { r.Value[0]++ }},
		"a timestamp":   {func(r *program.Record) { r.Timestamp = &other }, Lacks{Timestamps: true}},
		"no timestamp":  {func(r *program.Record) { r.Timestamp = nil }, Lacks{Timestamps: true}},
		"no headers":    {func(r *program.Record) { r.Headers = nil }, Lacks{Headers: true}},
		"a header":      {func(r *program.Record) { r.Headers[1].Value[0]++ }, Lacks{}},
		"a doubled one": {func(r *program.Record) { r.Headers = slices.Delete(r.Headers, 4, 5) }, Lacks{DoubledHeaders: true}},
		"two swapped":   {func(r *program.Record) { r.Headers[0], r.Headers[1] = r.Headers[1], r.Headers[0] }, Lacks{}},
		"behind a zero": {func(r *program.Record) { r.Headers[2].Value[1]++ }, Lacks{HeadersPerRecord: true}},
	}
	for name, d := range damages {
		r := undamaged()
		if err := sameRecord(r, undamaged(), Lacks{}); err != nil {
			t.Errorf("%s: undamaged record refused: %v", name, err)
		}
		d.damage(&r)
		if sameRecord(r, undamaged(), Lacks{}) == nil {
			t.Errorf("not seen: %s", name)
		}
		if (d.overlooker != Lacks{}) {
			if err := sameRecord(r, undamaged(), d.overlooker); err != nil {
				t.Errorf("%s: told by a reader that cannot: %v", name, err)
			}
		}
	}
}
