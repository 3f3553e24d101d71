package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"
)

func recordVerbs() []verb {
	return []verb{
		{
			noun: "produce", args: "TOPIC", about: "write standard input or a file to a topic, a record for each line", run: produce, prints: Produced{},
			flags: func(f *pflag.FlagSet, o *options) {
				f.StringVarP(&o.file, "file", "f", "", "read this `FILE` instead of standard input")
				f.StringVarP(&o.separator, "key-separator", "k", "", "what stands between key and value; without it records have no key")
				f.StringVar(&o.key, "key", "", "the key of all records")
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
	options := []kgo.Opt{kgo.ProducerBatchCompression(codec), kgo.AllowAutoTopicCreation(), kgo.RecordDeliveryTimeout(3 * c.timeout)}
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

// lineBytesMax is the longest line, and so the largest record.
const lineBytesMax = 64 << 20

func produce(c *call) error {
	if err := c.need(1, 1, "the name of a topic"); err != nil {
		return err
	}
	headers, err := c.recordHeaders()
	if err != nil {
		return err
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
	} else if isTerminal(c.in) && isTerminal(c.errOut) {
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

// send writes the lines; the first record that fails ends it.
func (c *call) send(in io.Reader, headers []kgo.RecordHeader, report *Produced) error {
	var mu sync.Mutex // what the client's goroutine finds out
	var failed error
	progress := c.progress()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, lineBytesMax)
	number := 0
	for lines.Scan() {
		number++
		record, err := c.record(lines.Text(), headers)
		if err != nil {
			failed = fmt.Errorf("line %d: %w", number, err)
			break
		}
		c.client.Produce(c.ctx, record, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, explained(err, "", r.Topic))
				return
			}
			report.Records++
			report.Bytes += int64(len(r.Key) + len(r.Value))
			progress.tell(report.Records, report.Bytes)
		})
		mu.Lock()
		stop := failed != nil
		mu.Unlock()
		if stop {
			break
		}
	}
	err := c.client.Flush(c.ctx)
	mu.Lock()
	defer mu.Unlock()
	progress.end()
	return errors.Join(failed, lines.Err(), err)
}

func (c *call) record(line string, headers []kgo.RecordHeader) (*kgo.Record, error) {
	record := &kgo.Record{Topic: c.args[0], Partition: c.partition, Headers: headers}
	if c.key != "" {
		record.Key = []byte(c.key)
	}
	if c.separator != "" {
		key, value, found := strings.Cut(line, c.separator)
		if !found {
			return nil, fmt.Errorf("there is no %q", c.separator)
		}
		record.Key, line = []byte(key), value
	}
	record.Value = []byte(line)
	return record, nil
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
	return &progress{call: c, every: progressEvery, began: c.now(), last: c.now(), quiet: c.quiet || !isTerminal(c.errOut)}
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
