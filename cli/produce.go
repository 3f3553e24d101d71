package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/internal/terminal"
)

func recordVerbs() []verb {
	return []verb{
		{
			noun: "produce", args: "TOPIC", about: "write standard input or a file to a topic, a record for each line", run: produce, prints: Produced{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.StringVarP(&o.file, "file", "f", "", "read this `FILE` instead of standard input")
				f.StringVarP(&o.separator, "key-separator", "k", "", "what stands between key and value; without it records have no key")
				f.StringVar(&o.key, "key", "", "the key of all records")
				f.StringVar(&o.null, "null", "", "a key or a value that is this `WORD` is null: a null value deletes its key in a compacted topic")
				f.BoolVar(&o.fromJSON, "from-json", false, "lines are records as `consume --json` prints them: key, value, headers, timestamp, base64")
				f.StringArrayVarP(&o.headers, "header", "H", nil, "a header of all records, `KEY=VALUE`; may be repeated")
				f.Int32VarP(&o.partition, "partition", "p", -1, "the partition to write to; -1 chooses one")
				f.StringVarP(&o.compression, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
				f.StringVar(&o.acks, "acks", "all", "all, 1 or 0")
				f.BoolVarP(&o.quiet, "quiet", "q", false, "do not tell what was done")
			},
		},
		{
			noun: "consume", args: "TOPIC...", about: "print the records of topics, to their ends or with --follow without end", run: consume, prints: Record{}, lines: true,
			flags: func(f *pflag.FlagSet, o *options) {
				f.StringVarP(&o.format, "format", "f", `%v\n`, "how to print a record: %t topic, %p partition, %o offset, %d time, %k key, %v value, %h{%k=%v } headers, \\n, \\t")
				f.BoolVar(&o.fromBeginning, "from-beginning", false, "begin with the oldest record")
				f.StringVarP(&o.offset, "offset", "o", "", "`WHERE` to begin: start, end, an offset, -N from the end, @TIME or @DURATION before now; without it the start, or with --follow the end")
				f.Int32VarP(&o.partition, "partition", "p", -1, "read this partition alone")
				f.BoolVarP(&o.follow, "follow", "F", false, "wait for more at the end")
				f.Int64VarP(&o.count, "count", "n", -1, "end after so many records")
				f.StringVarP(&o.group, "group", "g", "", "read as a member of this group, and commit")
			},
		},
	}
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (c *call) produceOptions() ([]kgo.Opt, error) {
	codec, known := codecs[c.compression]
	if !known {
		return nil, usagef("--compression=%s: none, gzip, snappy, lz4 or zstd", c.compression)
	}
	options := []kgo.Opt{kgo.ProducerBatchCompression(codec), kgo.AllowAutoTopicCreation(), kgo.MaxBufferedBytes(bufferedBytesMax)}
	if c.fromJSON {
		// The client's timeout counts from a record's timestamp, which is an old one here.
		options = append(options, kgo.RecordRetries(retriesMax))
	} else {
		options = append(options, kgo.RecordDeliveryTimeout(3*c.timeout))
	}
	switch c.acks {
	case "all", "-1":
	case "1":
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, usagef("--acks=%s: all, 1 or 0", c.acks)
	}
	if c.partition >= 0 {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	return options, nil
}

// lineBytesMax is the longest line, and so the largest record; bufferedBytesMax is how much is
// read before it is written.
const (
	lineBytesMax     = 64 << 20
	bufferedBytesMax = 2 * lineBytesMax
)

// retriesMax is about half a minute of the client's pauses.
const retriesMax = 20

func produce(c *call) error {
	if err := c.need(1, 1, "the name of a topic"); err != nil {
		return err
	}
	headers, err := c.recordHeaders()
	if err != nil {
		return err
	}
	if c.fromJSON && (c.separator != "" || c.key != "" || c.null != "") {
		return usagef("--from-json has keys and nulls of its own; leave --key, --key-separator and --null out")
	}
	options, err := c.produceOptions()
	if err != nil {
		return err
	}
	in := c.in
	if c.file != "" {
		file, err := os.Open(c.file)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // only read
		in = file
	} else if terminal.Is(c.in) && terminal.Is(c.errOut) {
		fmt.Fprintln(c.errOut, "A record for each line; Ctrl-D ends.")
	}
	if err := c.connect(options...); err != nil {
		return err
	}
	report := Produced{Topic: c.args[0]}
	began := c.now()
	if err := c.send(in, headers, &report); err != nil {
		return err
	}
	report.Seconds = c.now().Sub(began).Seconds()
	if c.json {
		return c.encode(report)
	}
	if !c.quiet {
		fmt.Fprintf(c.errOut, "%d records, %d bytes in %.2f s\n", report.Records, report.Bytes, report.Seconds)
	}
	return nil
}

func (c *call) recordHeaders() ([]kgo.RecordHeader, error) {
	var headers []kgo.RecordHeader
	for _, word := range c.headers {
		key, value, isPair := strings.Cut(word, "=")
		if !isPair {
			return nil, usagef("--header=%s is not KEY=VALUE", word)
		}
		headers = append(headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return headers, nil
}

// lines reads lines until they end or the call does: a read itself, of a terminal say, cannot be
// interrupted. The error is there once the channel is closed.
func (c *call) lines(in io.Reader) (<-chan []byte, *error) {
	lines, failed := make(chan []byte, 256), new(error)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, lineBytesMax)
		number := 0
		for scanner.Scan() {
			number++
			select {
			case lines <- bytes.Clone(scanner.Bytes()):
			case <-c.ctx.Done():
				return
			}
		}
		*failed = scanner.Err()
		if errors.Is(*failed, bufio.ErrTooLong) {
			*failed = fmt.Errorf("line %d is longer than %d MiB", number+1, lineBytesMax>>20)
		}
	}()
	return lines, failed
}

// sending is what the client's goroutine finds out of the records.
type sending struct {
	mu sync.Mutex
	*Produced
	*progress
	// failed is the first error, and lost the number of records that were not written.
	failed error
	lost   int64
}

func (s *sending) done(r *kgo.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost++
		if s.failed == nil {
			s.failed = explained(err, "", r.Topic)
		}
		return
	}
	s.Records++
	s.Bytes += int64(len(r.Key) + len(r.Value))
	s.tell(s.Records, s.Bytes)
}

func (s *sending) hasFailed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed != nil
}

// send writes the lines; the first record that fails ends it. What was read before a signal is still written.
func (c *call) send(in io.Reader, headers []kgo.RecordHeader, report *Produced) error {
	s := &sending{Produced: report, progress: c.progress()}
	lines, readErr := c.lines(in)
	ctx := context.WithoutCancel(c.ctx) // the options above end it
	var wrong error
	for number := 1; wrong == nil && !s.hasFailed() && c.ctx.Err() == nil; number++ {
		var line []byte
		var more bool
		select {
		case line, more = <-lines:
		case <-c.ctx.Done():
		}
		if !more {
			break
		}
		record, err := c.record(line, headers)
		if err != nil {
			wrong = fmt.Errorf("line %d: %w", number, err)
			break
		}
		c.client.Produce(ctx, record, s.done)
	}
	err := c.client.Flush(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	if s.lost > 1 {
		s.failed = fmt.Errorf("%d records were not written; the first: %w", s.lost, s.failed)
	}
	if c.ctx.Err() != nil {
		return errors.Join(s.failed, err, fmt.Errorf("interrupted after %d records", report.Records))
	}
	if wrong == nil && s.failed == nil {
		wrong = *readErr // the channel is closed: nothing else ended the loop
	}
	return errors.Join(wrong, s.failed, err)
}

func (c *call) record(line []byte, headers []kgo.RecordHeader) (*kgo.Record, error) {
	record := &kgo.Record{Topic: c.args[0], Partition: c.partition, Headers: headers}
	if c.fromJSON {
		return record, fillFromJSON(record, line)
	}
	if c.key != "" {
		record.Key = c.orNull([]byte(c.key))
	}
	if c.separator != "" {
		key, value, found := bytes.Cut(line, []byte(c.separator))
		if !found {
			return nil, fmt.Errorf("there is no %q", c.separator)
		}
		record.Key, line = c.orNull(key), value
	}
	record.Value = c.orNull(line)
	return record, nil
}

func (c *call) orNull(text []byte) []byte {
	if c.null != "" && string(text) == c.null {
		return nil
	}
	return text
}

// fillFromJSON reads what consume --json prints; topic, partition and offset are left to where it is written.
func fillFromJSON(record *kgo.Record, line []byte) error {
	var one Record
	if err := json.Unmarshal(line, &one); err != nil {
		return err
	}
	var failed error
	read := func(text *string) []byte {
		if text == nil {
			return nil
		}
		if !one.Base64 {
			return []byte(*text)
		}
		raw, err := base64.StdEncoding.DecodeString(*text)
		failed = errors.Join(failed, err)
		return raw
	}
	record.Key, record.Value = read(one.Key), read(one.Value)
	for _, h := range one.Headers {
		record.Headers = append(record.Headers[:len(record.Headers):len(record.Headers)], kgo.RecordHeader{Key: h.Key, Value: read(h.Value)})
	}
	if one.Timestamp > 0 {
		record.Timestamp = time.UnixMilli(one.Timestamp)
	}
	return failed
}

// progress tells on a terminal how far long work is.
type progress struct {
	call  *call
	every time.Duration
	began time.Time
	last  time.Time
	told  bool
	quiet bool
}

// progressEvery is often enough for eyes, and costs nothing.
const progressEvery = 250 * time.Millisecond

func (c *call) progress() *progress {
	return &progress{call: c, every: progressEvery, began: c.now(), last: c.now(), quiet: c.quiet || !terminal.Is(c.errOut)}
}

func (p *progress) tell(records, bytes int64) {
	now := p.call.now()
	if p.quiet || now.Sub(p.last) < p.every {
		return
	}
	p.last, p.told = now, true
	seconds := now.Sub(p.began).Seconds()
	fmt.Fprintf(p.call.errOut, "\r%d records, %.1f MB, %.0f records/s ", records, float64(bytes)/1e6, float64(records)/seconds)
}

func (p *progress) end() {
	if p.told {
		fmt.Fprintln(p.call.errOut)
	}
}
