package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dataDir = "data"

// open starts a broker on a free port over the file system.
func open(t *testing.T, files vfs.FS, overrides ...string) (*Broker, error) {
	t.Helper()
	settings, err := config.Load(config.Input{
		Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev", Overrides: overrides,
	})
	if err != nil {
		t.Fatal(err)
	}
	return Open(Options{Settings: settings, FS: files, Version: "test"})
}

func mustOpen(t *testing.T, files vfs.FS, overrides ...string) *Broker {
	t.Helper()
	b, err := open(t, files, overrides...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustClose(t *testing.T, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// client speaks raw requests to a broker.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, b *Broker) *client {
	t.Helper()
	c, err := net.Dial("tcp", b.Bootstrap())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
	return &client{t: t, conn: c, in: bufio.NewReader(c)}
}

func (c *client) ask(q kmsg.Request) kmsg.Response {
	c.t.Helper()
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 1)
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
	p := q.ResponseKind()
	c.read(p)
	return p
}

// read reads the answer that comes next.
func (c *client) read(p kmsg.Response) {
	c.t.Helper()
	var length [4]byte
	if _, err := io.ReadFull(c.in, length[:]); err != nil {
		c.t.Fatalf("waiting for %T: %v", p, err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(c.in, answer); err != nil {
		c.t.Fatal(err)
	}
	body := answer[4:]
	if p.IsFlexible() && p.Key() != protocol.KeyApiVersions {
		body = body[1:]
	}
	if err := p.ReadFrom(body); err != nil {
		c.t.Fatalf("reading %T: %v", p, err)
	}
}

// topic makes sure of a topic and returns its id.
func (c *client) topic(name string) [16]byte {
	c.t.Helper()
	q := kmsg.NewPtrMetadataRequest()
	q.SetVersion(12)
	q.AllowAutoTopicCreation = true
	one := kmsg.NewMetadataRequestTopic()
	one.Topic = &name
	q.Topics = append(q.Topics, one)
	p := c.ask(q).(*kmsg.MetadataResponse)
	if code := p.Topics[0].ErrorCode; code != 0 {
		c.t.Fatalf("the topic %s: error %d", name, code)
	}
	return p.Topics[0].TopicID
}

// produce appends one record and returns its offset.
func (c *client) produce(topic, value string) int64 {
	c.t.Helper()
	builder := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
	builder.Add(protocol.Timestamp(time.Now().UnixMilli()), nil, []byte(value))
	offset, code := c.tryProduce(topic, builder.Build(0, protocol.None))
	if code != 0 {
		c.t.Fatalf("producing %q: %v", value, protocol.ErrorForCode(code))
	}
	return offset
}

// tryProduce appends a batch and returns what the broker says of it.
func (c *client) tryProduce(topic string, batch protocol.Batch) (int64, int16) {
	c.t.Helper()
	q := kmsg.NewPtrProduceRequest()
	q.SetVersion(9)
	q.Acks = -1
	one := kmsg.NewProduceRequestTopic()
	one.Topic = topic
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = batch
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	answer := c.ask(q).(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	return answer.BaseOffset, answer.ErrorCode
}

// values reads everything in the topic's one partition.
func (c *client) values(topic string) []string {
	c.t.Helper()
	q := kmsg.NewPtrFetchRequest()
	q.SetVersion(12)
	q.MaxBytes, q.SessionEpoch = 1<<20, -1
	one := kmsg.NewFetchRequestTopic()
	one.Topic = topic
	p := kmsg.NewFetchRequestTopicPartition()
	p.PartitionMaxBytes = 1 << 20
	one.Partitions = append(one.Partitions, p)
	q.Topics = append(q.Topics, one)
	answer := c.ask(q).(*kmsg.FetchResponse).Topics[0].Partitions[0]
	if answer.ErrorCode != 0 {
		c.t.Fatalf("fetching: %v", protocol.ErrorForCode(answer.ErrorCode))
	}
	var values []string
	for rest := answer.RecordBatches; len(rest) > 0; {
		batch, more, err := protocol.NextBatch(rest)
		if err != nil {
			c.t.Fatal(err)
		}
		rest = more
		err = batch.EachRecord(protocol.DecodeLimits{}, func(r *protocol.Record) error {
			values = append(values, string(r.Value))
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return values
}

func TestWhatWasProducedIsThereAfterAnyStop(t *testing.T) {
	for _, durability := range []string{"cached", "sync"} {
		for _, stop := range []string{"clean", "killed", "power cut"} {
			if durability == "cached" && stop == "power cut" {
				continue // cached does not promise it
			}
			t.Run(durability+" "+stop, func(t *testing.T) {
				files := vfs.NewMem()
				b := mustOpen(t, files, "barnabas.durability="+durability)
				c := dial(t, b)
				id := c.topic("greetings")
				for i, value := range []string{"hello", "world"} {
					if offset := c.produce("greetings", value); offset != int64(i) {
						t.Fatalf("%q is at offset %d, want %d", value, offset, i)
					}
				}
				next := files
				switch stop {
				case "killed":
					next = files.CrashCopy(vfs.CrashKeepAll, nil)
				case "power cut":
					next = files.CrashCopy(vfs.CrashKeepNone, nil)
				}
				mustClose(t, b)

				b = mustOpen(t, next, "barnabas.durability="+durability)
				defer mustClose(t, b)
				c = dial(t, b)
				if again := c.topic("greetings"); again != id {
					t.Fatal("the topic has another id")
				}
				if got := strings.Join(c.values("greetings"), " "); got != "hello world" {
					t.Fatalf("read %q", got)
				}
				if offset := c.produce("greetings", "again"); offset != 2 {
					t.Fatalf("the next record is at offset %d", offset)
				}
			})
		}
	}
}

func TestTheLeaderEpochRisesWithTheFirstAppendAfterAStart(t *testing.T) {
	files := vfs.NewMem()
	epoch := func(b *Broker) int32 {
		return int32(b.metadata.Image().Topic("t").Partitions[0].LeaderEpoch)
	}
	b := mustOpen(t, files)
	c := dial(t, b)
	c.topic("t")
	c.produce("t", "one")
	if e := epoch(b); e != 0 {
		t.Fatalf("a new partition has the leader epoch %d", e)
	}
	mustClose(t, b)
	b = mustOpen(t, files)
	c = dial(t, b)
	before := epoch(b)
	c.produce("t", "two")
	c.produce("t", "three")
	if e := epoch(b); e != before+1 {
		t.Fatalf("the leader epoch went from %d to %d", before, e)
	}
	mustClose(t, b)
}

func TestTwoBrokersNeverShareADirectory(t *testing.T) {
	files := vfs.NewMem()
	first := mustOpen(t, files)
	_, err := open(t, files)
	var directory *DirectoryError
	if !errors.As(err, &directory) || !strings.Contains(err.Error(), "another broker") {
		t.Fatalf("a second broker got %v", err)
	}
	mustClose(t, first)
	mustClose(t, mustOpen(t, files))
}

func TestADirectoryThatIsNotOursIsLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(files vfs.FS) error
		says   string
	}{
		{"another node", func(files vfs.FS) error {
			return vfs.ReplaceFile(files, path.Join(dataDir, metaPropertiesName), []byte(
				"version=1\nnode.id=7\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAg\n"), true)
		}, "belongs to node.id 7"},
		{"a newer format", func(files vfs.FS) error {
			return vfs.ReplaceFile(files, path.Join(dataDir, metaPropertiesName), []byte("version=9\n"), true)
		}, `version "9" is not known`},
		{"no identity", func(files vfs.FS) error {
			return files.Remove(path.Join(dataDir, metaPropertiesName))
		}, "the directory is damaged, not empty"},
		{"damaged metadata", func(files vfs.FS) error {
			f, err := files.Open(path.Join(dataDir, "__cluster_metadata-0", "00000000000000000000.log"), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte{0xff, 0xff, 0xff}, 200)
			return err
		}, "__cluster_metadata-0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := vfs.NewMem()
			b := mustOpen(t, files)
			dial(t, b).topic("t")
			mustClose(t, b)
			if err := c.damage(files); err != nil {
				t.Fatal(err)
			}
			_, err := open(t, files)
			var directory *DirectoryError
			if !errors.As(err, &directory) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("opening gave %v, want a DirectoryError that says %q", err, c.says)
			}
		})
	}
}

func TestAPortInUseLeavesNoDirectory(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	files := vfs.NewMem()
	settings, err := config.Load(config.Input{Listen: []string{taken.Addr().String()}, Data: dataDir, Profile: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Settings: settings, FS: files}); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Fatalf("opening gave %v, want an error that names %s", err, taken.Addr())
	}
	if _, err := files.Stat(dataDir); err == nil {
		t.Fatal("the data directory was made")
	}
}

func TestAStopIsQuickWithALongPollOpen(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	c := dial(t, b)
	c.topic("t")
	q := kmsg.NewPtrFetchRequest()
	q.SetVersion(12)
	q.MaxBytes, q.MinBytes, q.MaxWaitMillis, q.SessionEpoch = 1<<20, 1, 15_000, -1
	one := kmsg.NewFetchRequestTopic()
	one.Topic = "t"
	one.Partitions = append(one.Partitions, kmsg.NewFetchRequestTopicPartition())
	q.Topics = append(q.Topics, one)
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, q, 1)
	if _, err := c.conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatal("the stop waited for the poll to run out")
	}
}

// The marker spares the next start its recovery, which must run after a failure.
func TestAFailedBrokerLeavesNoMarkerOfACleanStop(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	b.fail(errors.New("the disk is gone"))
	<-b.Fatal() // as the process does before it closes the broker
	mustClose(t, b)
	if _, err := files.Stat(path.Join(dataDir, cleanMarkerName)); err == nil {
		t.Fatal("a stop after a failure counts as clean")
	}
}
