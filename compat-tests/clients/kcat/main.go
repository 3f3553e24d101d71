// The kcat client of the matrix: it runs Debian's kcat and translates between its text formats and JSON lines.
//
// kcat has no admin requests: create asks for the metadata of a missing topic, which makes the broker create it. Its -H gives
// every record of one run the same headers, so that produce runs it once for each stretch of records with equal headers.
// Settings of the row are librdkafka's.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/clients/program"
)

func main() { program.Main(client{}) }

type client struct{}

// createTimeout is far above the fraction of a second that automatic creation takes.
const createTimeout = 30 * time.Second

// The delimiters never occur in the records: in their values each byte differs from the one before by a fixed step.
const (
	keyDelimiter    = `\x01\x01\x02`
	recordDelimiter = `\x01\x01\x03`
)

// Module says kcat's version, since kcat is no Go module.
func (client) Module() string {
	text, err := exec.Command("kcat", "-V").Output()
	if err != nil {
		return err.Error()
	}
	_, version, _ := strings.Cut(string(text), "Version ")
	version, _, _ = strings.Cut(version, " ")
	return version
}

func (client) Codecs() []string { return []string{"gzip", "lz4", "none", "snappy", "zstd"} }

func (client) Create(ctx context.Context, o program.Options) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for { // the first answers may come before the topic is there
		cmd := kcat(ctx, o, "-L", "-J", "-t", o.Topic, "-X", "allow.auto.create.topics=true")
		out, err := cmd.Output()
		if err != nil {
			return err
		}
		var metadata struct {
			Topics []struct {
				Error      string
				Partitions []struct{ Error string }
			}
		}
		if err := json.Unmarshal(out, &metadata); err != nil {
			return err
		}
		if topics := metadata.Topics; len(topics) == 1 && topics[0].Error == "" && len(topics[0].Partitions) > 0 {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("topic %s was not created within %v", o.Topic, createTimeout)
		}
	}
}

func (client) Produce(ctx context.Context, o program.Options, records []program.Record) error {
	for len(records) > 0 {
		n := 1
		for n < len(records) && reflect.DeepEqual(records[n].Headers, records[0].Headers) {
			n++
		}
		if err := produceAlike(ctx, o, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

func produceAlike(ctx context.Context, o program.Options, records []program.Record) error {
	// -Z sends empty keys and values as null.
	cmd := kcat(ctx, o, "-P", "-t", o.Topic, "-z", o.Codec, "-Z", "-K", keyDelimiter, "-D", recordDelimiter)
	if len(program.Settings()) == 0 { // what it believes of the broker
		cmd.Args = append(cmd.Args, "-X", "enable.idempotence=true")
	}
	if o.MaxBytes > 0 {
		cmd.Args = append(cmd.Args, "-X", fmt.Sprintf("message.max.bytes=%d", o.MaxBytes))
	}
	for _, h := range records[0].Headers {
		cmd.Args = append(cmd.Args, "-H", h.Name+"="+string(h.Value))
	}
	var in bytes.Buffer
	for _, r := range records {
		in.Write(r.Key)
		in.WriteString("\x01\x01\x02")
		in.Write(r.Value)
		in.WriteString("\x01\x01\x03")
	}
	cmd.Stdin = &in
	return cmd.Run()
}

// Read runs kcat for each topic: without a group it reads one.
func (client) Read(ctx context.Context, o program.Options, out *program.Output) error {
	from := "beginning"
	if o.Since > 0 {
		from = fmt.Sprintf("s@%d", o.Since)
	}
	for _, topic := range o.Topics {
		cmd := kcat(ctx, o, "-C", "-t", topic, "-p", "0", "-o", from, "-u", "-q", "-f", recordFormat,
			"-c", strconv.Itoa(o.Count/len(o.Topics)))
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		err = eachRecord(stdout, func(r program.Record) {
			r.Topic = topic
			out.Record(r)
		})
		if err := errors.Join(err, cmd.Wait()); err != nil {
			return err
		}
	}
	return nil
}

func (client) Consume(ctx context.Context, o program.Options, out *program.Output) error {
	cmd := consumer(ctx, o, "-c", strconv.Itoa(o.Count))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	next := make(map[int32]int64)
	err = eachRecord(stdout, func(r program.Record) {
		out.Record(r)
		next[r.Partition] = r.Offset + 1
	})
	if err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil { // kcat commits while it closes
		return err
	}
	out.Committed(next)
	return nil
}

func (client) Member(ctx context.Context, o program.Options, out *program.Output) error {
	cmd := consumer(context.WithoutCancel(ctx), o,
		"-X", fmt.Sprintf("session.timeout.ms=%d", o.Session.Milliseconds()),
		"-X", fmt.Sprintf("heartbeat.interval.ms=%d", (o.Session/10).Milliseconds()))
	if o.Instance != "" {
		// Options come before the topic.
		cmd.Args = slices.Insert(cmd.Args, len(cmd.Args)-1, "-X", "group.instance.id="+o.Instance)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = nil
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	stopped := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stopped()
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		eachAssignment(stderr, out)
	}()
	err = eachRecord(stdout, out.Record)
	<-reported
	if waited := cmd.Wait(); err == nil {
		err = waited
	}
	return err
}

func kcat(ctx context.Context, o program.Options, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "kcat", append([]string{"-b", o.Bootstrap}, args...)...)
	for _, setting := range program.Settings() {
		cmd.Args = append(cmd.Args, "-X", setting)
	}
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// recordFormat is what eachRecord reads, with a delimiter behind the headers that occurs in none.
const (
	recordFormat  = `%p %o %T %K %S %h` + headerEnd + `%k%s\n`
	headerEnd     = `\x01\x02\n`
	headerEndText = "\x01\x02\n"
)

func consumer(ctx context.Context, o program.Options, args ...string) *exec.Cmd {
	cmd := kcat(ctx, o, "-G", o.Group, "-u", "-X", "auto.offset.reset=earliest", "-f", recordFormat)
	cmd.Args = append(append(cmd.Args, args...), o.Topic)
	return cmd
}

// eachRecord reads what -f wrote: a line of partition, offset, timestamp, key and value length (-1 is null) and headers, then
// the bytes.
func eachRecord(stdout io.Reader, visit func(program.Record)) error {
	in := bufio.NewReader(stdout)
	for {
		head, err := readUntil(in, headerEndText)
		if err == io.EOF {
			return nil
		}
		fields := strings.SplitN(head, " ", 6)
		if err != nil || len(fields) != 6 {
			return fmt.Errorf("kcat wrote %q: %w", head, err)
		}
		var numbers [5]int64
		for i := range numbers {
			if numbers[i], err = strconv.ParseInt(fields[i], 10, 64); err != nil {
				return err
			}
		}
		r := program.Record{Partition: int32(numbers[0]), Offset: numbers[1], Timestamp: &numbers[2], Headers: headers(fields[5])}
		if r.Key, err = take(in, numbers[3]); err != nil {
			return err
		}
		if r.Value, err = take(in, numbers[4]); err != nil {
			return err
		}
		if _, err := in.Discard(1); err != nil {
			return err
		}
		visit(r)
	}
}

// readUntil reads up to the end, which ends with a newline, and drops it.
func readUntil(in *bufio.Reader, end string) (string, error) {
	var text string
	for {
		line, err := in.ReadString('\n')
		text += line
		if head, found := strings.CutSuffix(text, end); found || err != nil {
			return head, err
		}
	}
}

func take(in io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return nil, nil
	}
	b := make([]byte, size)
	_, err := io.ReadFull(in, b)
	return b, err
}

// headers parses "name=value,name=value". A value with a comma becomes two headers.
func headers(list string) []program.Header {
	var headers []program.Header
	if list == "" {
		return nil
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(pair, "=")
		headers = append(headers, program.Header{Name: name, Value: []byte(value)})
	}
	return headers
}

var (
	rebalanced = regexp.MustCompile(`^% Group .* rebalanced \(memberid .*\): (assigned|revoked): ?(.*)$`)
	partition  = regexp.MustCompile(`\[(\d+)\]`)
)

// eachAssignment follows the lines that kcat writes on a rebalance, and passes the others on.
func eachAssignment(stderr io.Reader, out *program.Output) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		match := rebalanced.FindStringSubmatch(lines.Text())
		if match == nil {
			fmt.Fprintln(os.Stderr, lines.Text())
			continue
		}
		var owned []int32
		if match[1] == "assigned" {
			for _, number := range partition.FindAllStringSubmatch(match[2], -1) {
				n, _ := strconv.ParseInt(number[1], 10, 32) // digits by the pattern
				owned = append(owned, int32(n))
			}
		}
		out.Assigned(owned)
	}
}
