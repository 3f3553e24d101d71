package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

func (c *client) topics() (names []string) {
	q := kmsg.NewPtrMetadataRequest()
	q.SetVersion(12)
	for _, t := range c.ask(q).(*kmsg.MetadataResponse).Topics {
		names = append(names, *t.Topic)
	}
	return names
}

func (c *client) producerID() int64 {
	c.t.Helper()
	q := kmsg.NewPtrInitProducerIDRequest()
	q.SetVersion(4)
	p := c.ask(q).(*kmsg.InitProducerIDResponse)
	if p.ErrorCode != 0 {
		c.t.Fatalf("a producer id: error %d", p.ErrorCode)
	}
	return p.ProducerID
}

func (c *client) groups() (names []string) {
	q := kmsg.NewPtrListGroupsRequest()
	q.SetVersion(4)
	for _, g := range c.ask(q).(*kmsg.ListGroupsResponse).Groups {
		names = append(names, g.Group)
	}
	return names
}

func (c *client) setBroker(name, value string) {
	c.t.Helper()
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	q.SetVersion(1)
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType = kmsg.ConfigResourceTypeBroker
	s := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	s.Name, s.Value = name, &value
	r.Configs = append(r.Configs, s)
	q.Resources = append(q.Resources, r)
	if p := c.ask(q).(*kmsg.IncrementalAlterConfigsResponse).Resources[0]; p.ErrorCode != 0 {
		c.t.Fatalf("altering %s: error %d", name, p.ErrorCode)
	}
}

// A reset takes all that clients have made, and leaves the addresses, the identity
// and the topics of the start.
func TestAResetIsACleanState(t *testing.T) {
	for name, storage := range map[string]Option{"memory": InMemory(), "disk": InDir(t.TempDir())} {
		level := new(slog.LevelVar)
		b := mustStart(t, storage, WithTopic("seed", 2), func(s *start) { s.options.LogLevel = level })
		bootstrap, cluster := b.Bootstrap(), b.ClusterID()
		c := dial(t, b)
		id := c.topic("seed")
		c.topic("made")
		c.produce("made", "a record")
		c.produce("seed", "a record")
		c.commit("g", "made", 1)
		c.setBroker("message.max.bytes", "2000")
		producer := c.producerID()
		level.Set(slog.LevelDebug)
		if _, err := b.Fault(Rule{Error: "NOT_CONTROLLER", APIs: []string{"DeleteTopics"}}); err != nil {
			t.Fatal(err)
		}

		began := time.Now()
		if err := b.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: the reset took %v", name, time.Since(began))

		if _, err := c.in.ReadByte(); err == nil {
			t.Errorf("%s: the connection is still open", name)
		}
		c = dial(t, b)
		if got := c.topics(); len(got) != 1 || got[0] != "seed" {
			t.Errorf("%s: topics %v", name, got)
		}
		if c.topic("seed") == id {
			t.Errorf("%s: the topic has the id of before: clients would take it for the same", name)
		}
		if got := c.values("seed"); len(got) != 0 {
			t.Errorf("%s: records %q", name, got)
		}
		if got := c.groups(); len(got) != 0 {
			t.Errorf("%s: groups %v", name, got)
		}
		if got := b.settings.Load().Topic(nil).MessageBytesMax; got == 2000 {
			t.Errorf("%s: an altered setting is still there", name)
		}
		if got := c.producerID(); got <= producer {
			t.Errorf("%s: producer id %d after %d", name, got, producer)
		}
		if b.Bootstrap() != bootstrap || b.ClusterID() != cluster || level.Level() != slog.LevelInfo || b.faults.Active() {
			t.Errorf("%s: address %s, cluster %s, log level %v, faults %v", name, b.Bootstrap(), b.ClusterID(), level, b.faults.Active())
		}
		if c.topic("again"); c.produce("again", "a record") != 0 {
			t.Errorf("%s: the first record of a new topic has another offset than 0", name)
		}
	}
}

// What a reset leaves on the disk is opened by the next broker.
func TestADirectoryIsUsableAfterAReset(t *testing.T) {
	dir := t.TempDir()
	b := mustStart(t, InDir(dir), WithSetting("barnabas.durability", "sync"))
	dial(t, b).produceTo("t", "before")
	if err := b.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/t-0"); !os.IsNotExist(err) {
		t.Errorf("the folder of a topic is left: %v", err)
	}
	dial(t, b).produceTo("t", "after")
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := dial(t, mustStart(t, InDir(dir))).values("t"); len(got) != 1 || got[0] != "after" {
		t.Errorf("read %q", got)
	}
}

func (c *client) produceTo(topic, value string) {
	c.t.Helper()
	c.topic(topic)
	c.produce(topic, value)
}

// Whoever waits for an answer when a reset comes is let go: a long poll, a member
// that waits for others, a delay. None of them holds it up.
func TestAResetWaitsForNobody(t *testing.T) {
	b := mustStart(t, WithTopic("t", 1), WithSetting("group.initial.rebalance.delay.ms", "60000"))
	f, err := b.Fault(Rule{ClientID: "slow", Delay: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	poll := kmsg.NewPtrFetchRequest()
	poll.SetVersion(11)
	poll.ReplicaID, poll.MaxWaitMillis, poll.MinBytes, poll.MaxBytes, poll.SessionEpoch = -1, 60_000, 1, 1<<20, -1
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewFetchRequestTopicPartition()
	p.CurrentLeaderEpoch, p.LogStartOffset, p.PartitionMaxBytes = -1, -1, 1<<20
	topic.Partitions = append(topic.Partitions, p)
	poll.Topics = append(poll.Topics, topic)
	dial(t, b).commit("g", "t", 0) // there is a coordinator now
	join := kmsg.NewPtrJoinGroupRequest()
	join.SetVersion(3)
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = "g", "consumer", 30_000, 60_000
	rangeProtocol := kmsg.NewJoinGroupRequestProtocol()
	rangeProtocol.Name = "range"
	join.Protocols = append(join.Protocols, rangeProtocol)
	slow := kmsg.NewPtrMetadataRequest()
	slow.SetVersion(9)

	var ended sync.WaitGroup
	for name, q := range map[string]kmsg.Request{"test": poll, "member": join, "slow": slow} {
		c := dial(t, b)
		c.topics() // the broker has accepted it: else it would be served after the reset
		if _, err := c.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(name)).AppendRequest(nil, q, 1)); err != nil {
			t.Fatal(err)
		}
		ended.Go(func() { _, _ = io.Copy(io.Discard, c.in) }) // an answer or none; the connection ends
	}
	if err := f.Wait(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // far below what they wait
	defer cancel()
	if err := b.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
	if got := dial(t, b).topics(); len(got) != 1 {
		t.Errorf("topics %v", got)
	}
}

// Producers and consumers that go on all the while see their connections end and
// then a broker that serves; none is refused a connection, and no reset fails.
func TestResetsUnderLoad(t *testing.T) {
	const resets, clients = 20, 4
	b := mustStart(t, WithTopic("t", 1))
	stop := make(chan struct{})
	var working sync.WaitGroup
	served := make(chan struct{}, 1000)
	for i := range clients {
		working.Go(func() {
			for lives := 0; ; lives++ {
				if err := workUntilEnd(b.Bootstrap(), i%2 == 0, served, stop); err != nil {
					t.Errorf("client %d, life %d: %v", i, lives, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range resets {
		for range 2 * clients {
			<-served
		}
		if err := b.Reset(t.Context()); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	working.Wait()
}

// workUntilEnd sends requests over one connection until it ends. Its error is of
// connecting: that the connection ends is what the test wants.
func workUntilEnd(address string, produce bool, served chan<- struct{}, stop <-chan struct{}) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	in := bufio.NewReader(conn)
	var q kmsg.Request = loadRequest(produce)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, q, 1)); err != nil {
			return nil
		}
		var length [4]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return nil
		}
		if _, err := io.CopyN(io.Discard, in, int64(binary.BigEndian.Uint32(length[:]))); err != nil {
			return nil
		}
		select {
		case served <- struct{}{}:
		default:
		}
	}
}

func loadRequest(produce bool) kmsg.Request {
	if !produce {
		q := kmsg.NewPtrMetadataRequest()
		q.SetVersion(12)
		return q
	}
	q := kmsg.NewPtrProduceRequest()
	q.SetVersion(9)
	q.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "t"
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = oneRecord("under load")
	topic.Partitions = append(topic.Partitions, p)
	q.Topics = append(q.Topics, topic)
	return q
}

// The context of a test has ended when its cleanup resets the broker.
func TestAResetThatComesTooLateChangesNothing(t *testing.T) {
	b := mustStart(t)
	dial(t, b).produceTo("t", "a record")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Reset(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the reset says %v", err)
	}
	if b.failed.Load() {
		t.Fatalf("the broker has failed: %v", <-b.Fatal())
	}
	if got := dial(t, b).values("t"); len(got) != 1 {
		t.Errorf("records %q", got)
	}
}

func TestAFailedBrokerIsNotReset(t *testing.T) {
	b := mustStart(t)
	b.fail(io.ErrUnexpectedEOF)
	if err := b.Reset(t.Context()); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("the reset says %v", err)
	}
}

func oneRecord(value string) []byte {
	b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	b.Add(protocol.Timestamp(time.Now().UnixMilli()), nil, []byte(value))
	return b.Build(0, protocol.None)
}

// stubborn is a disk that removes no folder.
type stubborn struct{ vfs.FS }

func (stubborn) RemoveAll(string) error { return errors.New("the disk is stubborn") }

// A reset that cannot wipe is told, and so is whoever waits for the broker's end.
// What is closed then is closed in order.
func TestAResetThatFailsEndsTheBroker(t *testing.T) {
	b := mustOpen(t, stubborn{vfs.NewMem()})
	dial(t, b).produceTo("t", "a record")
	err := b.Reset(t.Context())
	if err == nil || !strings.Contains(err.Error(), "stubborn") {
		t.Fatalf("the reset says %v", err)
	}
	if fatal := <-b.Fatal(); !errors.Is(fatal, err) {
		t.Errorf("the broker ends for %v", fatal)
	}
	if err := b.Reset(t.Context()); err == nil {
		t.Error("it can be reset again")
	}
	mustClose(t, b)
}
