package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	partitionsPerTopic   = 1_000
	partitionsPerRequest = 100
	// partitionsPatience ends the filling of a broker that is slow at it.
	partitionsPatience = 3 * time.Minute

	manyPartitionsName = "scale: 100,000 partitions"
	acceptedRow        = "partitions that took a record"
	createPartitionRow = "create a partition"
	firstRecordRow     = "first record of a partition"
	partitionMemoryRow = "memory of a partition"
	partitionsRSSRow   = "RSS with all of them"
	openFilesRow       = "open files with all of them"
	partitionsStopRow  = "SIGTERM to exit with all of them"
	partitionsStartRow = "start to Metadata with all of them"
)

var partitionGoals = []goal{
	{row: openFilesRow, unit: "k", column: "barnabas", atMost: openFiles / 1000, once: true},
}

// runManyPartitions gives a broker more and more partitions, with a record in
// each, until it refuses one or has as many as it should; then it is stopped and
// started again, and every record that it took is read back.
func runManyPartitions(b contender, o options) ([]phase, error) {
	fill, err := fillPartitions(b, o.nodePartitions)
	if err != nil {
		return nil, err
	}
	notes := asNamed("partitions", o.nodePartitions, 100_000)
	if fill.accepted < o.nodePartitions {
		notes = append(notes, fmt.Sprintf("%d of %d partitions took a record%s", fill.accepted, o.nodePartitions, fill.ending()))
	}
	more := []sample{{acceptedRow, "k", higher, float64(fill.accepted) / 1000}}
	if fill.topics > 0 {
		whole := fill.topics * partitionsPerTopic
		more = append(more,
			sample{createPartitionRow, "us each", lower, float64(fill.creating.Microseconds()) / float64(whole)},
			sample{firstRecordRow, "us each", lower, float64(fill.producing.Microseconds()) / float64(whole)},
			perThing(partitionMemoryRow, fill.rssBefore, fill.rss, whole),
			mebibytes(partitionsRSSRow, fill.rss),
			sample{openFilesRow, "k", lower, float64(fill.files) / 1000})
	}
	again, err := restart(b, fill)
	if excused := fill.excused(err); excused {
		notes, err = append(notes, fmt.Sprintf("does not start again with what it has: %v", err)), nil
	}
	return []phase{{notes: notes, more: append(more, again...)}}, err
}

// filled is what a broker took.
type filled struct {
	// batch is what each partition was sent.
	batch []byte
	// accepted partitions took a record, in their order, before one did not.
	accepted int
	// refused is why there are not more; nil is that there are enough or that the
	// time was over.
	refused error
	late    bool

	// What follows is of the topics that took everything.
	topics              int
	creating, producing time.Duration
	rssBefore, rss      int64
	files               int
}

func (f *filled) ending() string {
	switch {
	case f.refused != nil:
		return fmt.Sprintf(", then: %v", f.refused)
	case f.late:
		return fmt.Sprintf(" in %v", partitionsPatience)
	}
	return ""
}

// excused tells whether what went wrong with the start afterwards is only noted: a broker
// that has refused partitions may be at its end altogether, and one that was late may not
// start in time either. What it took has to be there if it does start.
func (f *filled) excused(err error) bool {
	var gone notStarted
	return err != nil && (f.refused != nil || f.late && errors.As(err, &gone))
}

// notStarted is that a broker did not stop or did not start again.
type notStarted struct{ error }

func partitionTopic(i int) string { return fmt.Sprintf("scale-partitions-%04d", i) }

// fillPartitions goes topic by topic, so that a broker that holds few is not given
// all of them first. An error is one of the benchmark; the broker's is in filled.
func fillPartitions(b contender, wanted int) (*filled, error) {
	before, err := b.Usage()
	if err != nil {
		return nil, err
	}
	f := &filled{batch: batchOf(1, 100), rssBefore: before.RSS}
	for began := time.Now(); f.accepted < wanted; f.topics++ {
		if f.late = time.Since(began) > partitionsPatience; f.late {
			return f, nil
		}
		if f.refused = f.oneMore(b, partitionTopic(f.topics)); f.refused != nil {
			return f, nil
		}
		usage, err := b.Usage()
		if err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", b.PID()))
		if err != nil {
			return nil, err
		}
		f.rss, f.files = usage.RSS, len(entries)
	}
	return f, nil
}

// oneMore creates a topic and sends a record to each of its partitions.
func (f *filled) oneMore(b contender, topic string) error {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	conn.Timeout = scalePatience
	began := time.Now()
	if err := createRaw(conn, partitionsPerTopic, topic); err != nil {
		return err
	}
	f.creating += time.Since(began)
	if err := awaitEmpty(conn, topic); err != nil {
		return err
	}
	began = time.Now()
	frames := make([][]byte, partitionsPerTopic/partitionsPerRequest)
	for i := range frames {
		frames[i] = produceRange(topic, i*partitionsPerRequest, partitionsPerRequest, f.batch)
	}
	err = pipelined(conn, func(i int) []byte { return frames[i] }, len(frames), inFlight, func(body []byte) error {
		n, err := acceptedIn(body)
		f.accepted += n
		return err
	})
	f.producing += time.Since(began)
	return err
}

// awaitEmpty waits until every partition of a new topic answers: Kafka makes logs a
// moment after it has answered.
func awaitEmpty(conn *wire.Conn, topic string) error {
	for began := time.Now(); ; time.Sleep(metadataPause) {
		err := checkEnds(conn, topic, partitionsPerTopic, 0)
		if err == nil || time.Since(began) > scalePatience || wire.IsClosed(err) {
			return err
		}
	}
}

// produceRange is produceFrame for some of the partitions of a topic.
func produceRange(topic string, first, n int, batch []byte) []byte {
	t := kmsg.NewProduceRequestTopic()
	t.Topic = topic
	for i := range n {
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = int32(first+i), batch
		t.Partitions = append(t.Partitions, p)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks, req.TimeoutMillis = 7, -1, 30_000
	req.Topics = append(req.Topics, t)
	id := wire.DefaultClientID
	return wire.EncodeRequest(req, 1, &id)
}

// acceptedIn counts the partitions of an answer before the first that refused its
// record.
func acceptedIn(body []byte) (n int, err error) {
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 7
	if err := resp.ReadFrom(body); err != nil {
		return 0, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return n, fmt.Errorf("partition %d of %s: %w", p.Partition, t.Topic, err)
			}
			n++
		}
	}
	if n == 0 {
		return 0, errors.New("an answer about no partition")
	}
	return n, nil
}

// restart takes the times of an orderly stop and of the start after it, and reads
// back what the broker had taken.
func restart(b contender, f *filled) ([]sample, error) {
	signalled := time.Now()
	if err := b.Stop(); err != nil {
		return nil, notStarted{err}
	}
	stopped := time.Since(signalled)
	if err := b.Start(); err != nil {
		return nil, notStarted{err}
	}
	asked := time.Now()
	if err := testbed.AskMetadata(b.Bootstrap()); err != nil {
		return nil, notStarted{err}
	}
	started := b.ReadyAfter() + time.Since(asked)
	for topic := 0; topic*partitionsPerTopic < f.accepted; topic++ {
		held := min(partitionsPerTopic, f.accepted-topic*partitionsPerTopic)
		if err := verifyCopies(b, partitionTopic(topic), int32(held), f.batch, 1); err != nil {
			return nil, fmt.Errorf("%s: %w", partitionTopic(topic), err)
		}
	}
	return []sample{
		{partitionsStopRow, "ms", lower, millis(stopped)},
		{partitionsStartRow, "ms", lower, millis(started)},
	}, nil
}
