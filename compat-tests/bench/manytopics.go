package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	// topicsPerRequest is as many as an administrator's tool sends at once.
	topicsPerRequest = 100
	// topicsPatience ends the creating on a broker that is slow at it: the figure is
	// per topic.
	topicsPatience = 15 * time.Second
	metadataTimes  = 20
	// metadataPause is between two looks at whether all topics are there.
	metadataPause = 20 * time.Millisecond

	createTopicsRow  = "create 10,000 topics"
	metadataRow      = "Metadata of 10,000 topics"
	topicMemoryRow   = "memory of a topic"
	topicsRSSRow     = "RSS with 10,000 topics"
	scalePatience    = time.Minute
	numberedTopic    = "scale-topic-%06d"
	metadataOfTopics = 12 // the version: the newest that all brokers serve
)

// runManyTopics creates topics of one partition, asks for all of them, and sees
// what they cost in memory. A broker that does not create all in time is measured
// with those that it has: the Metadata figures and the memory are scaled up.
func runManyTopics(b contender, o options) ([]phase, error) {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	conn.Timeout = scalePatience
	if err := firstTopics(b, conn); err != nil {
		return nil, fmt.Errorf("the first topics: %w", err)
	}
	before, err := b.Usage()
	if err != nil {
		return nil, err
	}
	created := 0
	began := time.Now()
	for created < o.topics && time.Since(began) < topicsPatience {
		n := min(topicsPerRequest, o.topics-created)
		if err := createNumbered(conn, created, n); err != nil {
			return nil, fmt.Errorf("after %d topics: %w", created, err)
		}
		created += n
	}
	took := time.Since(began)
	notes := asNamed("topics", o.topics, 10_000)
	if created < o.topics {
		notes = append(notes, fmt.Sprintf("%d topics in %v, not %d; Metadata and memory are scaled up to that", created, topicsPatience, o.topics))
	}
	if err := awaitListed(conn, created); err != nil {
		return nil, err
	}
	latencies, answerBytes, err := askForAll(conn)
	if err != nil {
		return nil, err
	}
	time.Sleep(idleBeforeUsage)
	after, err := b.Usage()
	if err != nil {
		return nil, err
	}
	scale := float64(o.topics) / float64(created)
	return []phase{{notes: notes, more: []sample{
		{createTopicsRow, "us each", lower, float64(took.Microseconds()) / float64(created)},
		{metadataRow, "ms", lower, millis(percentile(latencies, 50)) * scale},
		{metadataRow, "KiB", lower, float64(answerBytes) / kibibyte * scale},
		perThing(topicMemoryRow, before.RSS, after.RSS, created),
		mebibytes(topicsRSSRow, before.RSS+int64(float64(after.RSS-before.RSS)*scale)),
	}}}, nil
}

// What Kafka is asked before its figures are taken.
const (
	firstTopicsCreated  = 1_000
	firstMetadatasAsked = 200
)

// firstTopics has Kafka create topics, tell of them, and delete them: its JVM compiles
// what runs often, and the broker is a fresh one. The others have nothing to compile.
func firstTopics(b contender, conn *wire.Conn) error {
	if !is(b.Name(), "kafka") {
		return nil
	}
	var names []string
	for i := range firstTopicsCreated {
		names = append(names, fmt.Sprintf("scale-first-%06d", i))
	}
	for some := range slices.Chunk(names, topicsPerRequest) {
		if err := createRaw(conn, 1, some...); err != nil {
			return err
		}
	}
	if err := awaitListed(conn, len(names)); err != nil {
		return err
	}
	for range firstMetadatasAsked {
		if _, err := conn.Exchange(allMetadata()); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(names, topicsPerRequest) {
		if err := deleteRaw(conn, some...); err != nil {
			return err
		}
	}
	return awaitListed(conn, 0)
}

// deleteRaw sends one DeleteTopics request.
func deleteRaw(conn *wire.Conn, names ...string) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TimeoutMillis, req.TopicNames = 4, int32(scalePatience.Milliseconds()), names
	resp, err := conn.Call(req)
	if err != nil {
		return err
	}
	for _, t := range resp.(*kmsg.DeleteTopicsResponse).Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("delete %s: %w", *t.Topic, err)
		}
	}
	return nil
}

// createNumbered creates n topics in one request.
func createNumbered(conn *wire.Conn, first, n int) error {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(numberedTopic, first+i)
	}
	return createRaw(conn, 1, names...)
}

// createRaw sends one CreateTopics request, unlike kadm without asking for the
// controller first.
func createRaw(conn *wire.Conn, partitions int32, names ...string) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Version, req.TimeoutMillis = 5, int32(scalePatience.Milliseconds())
	for _, name := range names {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, t)
	}
	resp, err := conn.Call(req)
	if err != nil {
		return err
	}
	for _, t := range resp.(*kmsg.CreateTopicsResponse).Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create %s: %w", t.Topic, err)
		}
	}
	return nil
}

// awaitListed waits until Metadata lists so many topics, each with its leader:
// Kafka answers CreateTopics before its broker part has heard of the topics.
func awaitListed(conn *wire.Conn, topics int) error {
	for began := time.Now(); ; time.Sleep(metadataPause) {
		resp, err := conn.Call(allMetadata())
		if err != nil {
			return err
		}
		listed := led(resp.(*kmsg.MetadataResponse))
		if listed == topics {
			return nil
		}
		if time.Since(began) > scalePatience {
			return fmt.Errorf("%d topics have a leader in Metadata, %d were created", listed, topics)
		}
	}
}

func allMetadata() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Version, req.Topics = metadataOfTopics, nil
	return req
}

// led counts the topics in an answer whose partitions all have a leader.
func led(resp *kmsg.MetadataResponse) int {
	n := 0
	for _, t := range resp.Topics {
		whole := t.ErrorCode == 0 && len(t.Partitions) > 0
		for _, p := range t.Partitions {
			whole = whole && p.ErrorCode == 0 && p.Leader >= 0
		}
		if whole {
			n++
		}
	}
	return n
}

// askForAll asks for all topics several times and does not decode the answers.
func askForAll(conn *wire.Conn) (latencies []time.Duration, answerBytes int, err error) {
	for range metadataTimes {
		began := time.Now()
		body, err := conn.Exchange(allMetadata())
		if err != nil {
			return nil, 0, err
		}
		latencies = append(latencies, time.Since(began))
		answerBytes = len(body)
	}
	if answerBytes == 0 {
		return nil, 0, errors.New("an empty answer")
	}
	return latencies, answerBytes, nil
}
