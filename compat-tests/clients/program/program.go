// Package program is the command line that the Go clients of the matrix share: steps and flags in, JSON lines out.
// The contract is the same in every language and is described in the parent folder's doc.go.
package program

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// Options are the flags that follow the step.
type Options struct {
	Bootstrap  string
	Topic      string
	Group      string
	Codec      string
	Partitions int
	Count      int
	Session    time.Duration
	// Protocol of the group: classic or consumer.
	Protocol string
	// Topics to write or read, and the codec of each to write.
	Topics, Codecs []string
	// MaxBytes is what the client's own limits must allow a request; 0 leaves them.
	MaxBytes int
	// Since begins a read at the first record that is not older, in milliseconds; 0 is the beginning.
	Since int64
	// Instance makes a member a static one.
	Instance string
}

// Header is one record header, in JSON a [name, value] pair; a nil value is null on the wire.
type Header struct {
	Name  string
	Value []byte
}

// MarshalJSON implements json.Marshaler.
func (h Header) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{h.Name, h.Value}) }

// UnmarshalJSON implements json.Unmarshaler.
func (h *Header) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[2]any{&h.Name, &h.Value})
}

// Record is what produce reads and consume writes; a nil key or value is null on the wire.
type Record struct {
	Topic     string // only told by Read
	Partition int32
	Offset    int64
	// Timestamp is in milliseconds since the epoch; nil where the client chooses or the format has none.
	Timestamp *int64
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Client is what each Go client implements, one method for each step.
type Client interface {
	// Module is the library's module path; its version is read from the binary's build information.
	Module() string
	Codecs() []string
	Create(ctx context.Context, o Options) error
	Produce(ctx context.Context, o Options, records []Record) error
	// Read emits exactly o.Count records of o.Topics, which have one partition each, from their beginning and without a group.
	Read(ctx context.Context, o Options, out *Output) error
	// Consume emits exactly o.Count records, commits the offsets after them, and leaves the group.
	Consume(ctx context.Context, o Options, out *Output) error
	// Member stays in the group until ctx is done, then leaves in good order.
	Member(ctx context.Context, o Options, out *Output) error
}

// Worker is what clients implement that can be told when to commit. Its member emits each record before the commit
// that covers it, and Committed once that is answered; a commit that is refused or lost is no error: what it covers is
// read again by whoever owns the partition then.
type Worker interface {
	// Worker stays in the group until ctx is done, then leaves in good order.
	Worker(ctx context.Context, o Options, out *Output) error
}

// Main runs the step that the command line names and exits with 1 when it fails.
func Main(client Client) {
	out := &Output{encoder: json.NewEncoder(os.Stdout)}
	if err := run(client, os.Args[1:], out); err != nil {
		out.Error(err)
		os.Exit(1)
	}
}

func run(client Client, args []string, out *Output) error {
	if len(args) == 0 {
		return fmt.Errorf("no step: want about, create, produce, write, read, consume, stream, admin, transact, connect, member or worker")
	}
	var o Options
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	flags.StringVar(&o.Bootstrap, "bootstrap", "localhost:9092", "broker address")
	flags.StringVar(&o.Topic, "topic", "", "topic name")
	flags.StringVar(&o.Group, "group", "", "consumer group")
	flags.StringVar(&o.Codec, "codec", "none", "none, gzip, snappy, lz4 or zstd")
	flags.IntVar(&o.Partitions, "partitions", 3, "partitions of the topic to create")
	flags.IntVar(&o.Count, "count", 0, "records to consume")
	session := flags.Int("session-ms", 45000, "session timeout of a group member")
	flags.StringVar(&o.Protocol, "protocol", "classic", "classic or consumer, for a worker")
	topics := flags.String("topics", "", "topics to write or read, with commas between")
	codecs := flags.String("codecs", "", "the codec of each topic to write")
	flags.IntVar(&o.MaxBytes, "max-bytes", 0, "size of a request that the client's own limits must allow")
	flags.Int64Var(&o.Since, "since", 0, "read from the first record that is not older, in milliseconds")
	flags.StringVar(&o.Instance, "instance", "", "instance id of a static member")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	o.Session = time.Duration(*session) * time.Millisecond
	o.Topics, o.Codecs = strings.Split(*topics, ","), strings.Split(*codecs, ",")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	switch args[0] {
	case "about":
		out.emit(map[string]any{"event": "about", "version": moduleVersion(client.Module()), "codecs": client.Codecs()})
		return nil
	case "create":
		if err := client.Create(ctx, o); err != nil {
			return err
		}
		out.emit(map[string]any{"event": "created"})
		return nil
	case "produce":
		records, err := readRecords(os.Stdin)
		if err != nil {
			return err
		}
		if err := client.Produce(ctx, o, records); err != nil {
			return err
		}
		out.emit(map[string]any{"event": "produced", "count": len(records)})
		return nil
	case "write":
		return write(ctx, client, o, out)
	case "read":
		return client.Read(ctx, o, out)
	case "consume":
		return client.Consume(ctx, o, out)
	case "stream":
		return stream(ctx, client, o, out)
	case "admin":
		return administer(ctx, client, o, out)
	case "transact":
		return transact(ctx, client, o, out)
	case "connect":
		return connect(ctx, client, out)
	case "member", "worker":
		return stay(ctx, cancel, client, args[0], o, out)
	}
	return fmt.Errorf("unknown step %q", args[0])
}

// write sends the same records to every topic, each with its own codec.
func write(ctx context.Context, client Client, o Options, out *Output) error {
	records, err := readRecords(os.Stdin)
	if err != nil {
		return err
	}
	for i, topic := range o.Topics {
		o.Topic, o.Codec = topic, o.Codecs[i]
		if err := client.Produce(ctx, o, records); err != nil {
			return fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	out.emit(map[string]any{"event": "produced", "count": len(records) * len(o.Topics)})
	return nil
}

// Settings are what the row of the matrix says beside the version: NAME=VALUE, with blanks between.
func Settings() []string { return strings.Fields(os.Getenv("CLIENT_SETTINGS")) }

// stay runs a member until the end of standard input asks it to leave.
func stay(ctx context.Context, leave func(), client Client, step string, o Options, out *Output) error {
	member := client.Member
	if step == "worker" {
		worker, ok := client.(Worker)
		if !ok {
			return fmt.Errorf("no step %q in this client", step)
		}
		member = worker.Worker
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		leave()
	}()
	if err := member(ctx, o, out); err != nil {
		return err
	}
	out.emit(map[string]any{"event": "left"})
	return nil
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return path // not a module: the client says its version itself
}

// line is a record as JSON, bytes in base64.
type line struct {
	Event     string   `json:"event,omitempty"`
	Topic     string   `json:"topic,omitempty"`
	Timestamp *int64   `json:"timestamp,omitempty"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

func readRecords(r io.Reader) ([]Record, error) {
	var records []Record
	for record, err := range eachRecord(r) {
		if err != nil {
			return nil, fmt.Errorf("record %d on stdin: %w", len(records), err)
		}
		records = append(records, record)
	}
	return records, nil
}

// eachRecord are the records as they come; an error is the last.
func eachRecord(r io.Reader) iter.Seq2[Record, error] {
	decoder := json.NewDecoder(bufio.NewReader(r))
	return func(yield func(Record, error) bool) {
		for {
			var l line
			err := decoder.Decode(&l)
			if err == io.EOF || !yield(Record{Key: l.Key, Value: l.Value, Headers: l.Headers, Timestamp: l.Timestamp}, err) || err != nil {
				return
			}
		}
	}
}

// Output writes events, one JSON object a line; it may be used by several goroutines.
type Output struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (out *Output) emit(event any) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if err := out.encoder.Encode(event); err != nil {
		os.Exit(1) // nobody reads: the test has ended
	}
}

// Record writes one consumed record.
func (out *Output) Record(r Record) {
	out.emit(line{
		Event: "record", Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp,
		Key: r.Key, Value: r.Value, Headers: r.Headers,
	})
}

// Committed says that the commit of these next offsets was answered.
func (out *Output) Committed(offsets map[int32]int64) {
	out.emit(map[string]any{"event": "committed", "offsets": offsets})
}

// Assigned says which partitions the member owns now: all of them, not the change.
func (out *Output) Assigned(partitions []int32) {
	if partitions == nil {
		partitions = []int32{}
	}
	out.emit(map[string]any{"event": "assigned", "partitions": partitions})
}

// Note tells on standard error what is worth knowing in a report, and no failure.
func (out *Output) Note(err error) { fmt.Fprintln(os.Stderr, err) }

// Error reports what the library reported as an error.
func (out *Output) Error(err error) {
	out.emit(map[string]any{"event": "error", "message": err.Error()})
}
