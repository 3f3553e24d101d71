package api

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/quota"
	"github.com/barnabas-mq/barnabas/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(needsAreAsked{m}) }

// world is a node on a memory file system and a manual clock, with the API behind
// a real server on a loopback port.
type world struct {
	t        *testing.T
	clock    *clock.Manual
	files    *vfs.Mem
	journal  *memoryJournal
	static   *config.Static
	settings atomic.Pointer[config.Broker]
	logs     *disk.Store
	store    *metadata.Store
	set      *partition.Set
	api      *API
	groups   *group.Coordinator
	// groupShares is the state of share partitions as groups see it.
	groupShares shareStateFake
	shares      *share.Leader
	// shareStates are what share partitions have written; they outlive a restart.
	shareStates shareStates
	// transactions outlives a restart.
	transactions transactionsFake
	writeMarkers atomic.Pointer[markerWriter]
	server       *server.Server
	listener     *server.Listener
	faults       fault.Set
	quotas       *quota.Clients
	counters     metrics.Set
	noVolume     atomic.Bool  // asking for the volume's room fails
	volumeTakes  atomic.Int64 // nanoseconds that asking takes
	lookUpHost   atomic.Pointer[func(context.Context, string) error]
	access       *Access                        // nil without an authorizer; see newGuardedWorld
	tokens       *Tokens                        // nil without a secret for them
	who          atomic.Pointer[auth.Principal] // of connections from now on, where there is one

	conn net.Conn
	in   *bufio.Reader
}

// markerWriter is Rooms.WriteMarkers.
type markerWriter func(coordinator.Marker, []txn.TopicPartition, func([]error))

const (
	worldNode    = 1
	worldCluster = "AAAAAAAAAAAAAAAAAAAAAQ"
)

// newWorld starts a node with Kafka's defaults and the overrides.
func newWorld(t *testing.T, overrides ...string) *world {
	t.Helper()
	return startWorld(&world{t: t}, overrides)
}

func startWorld(w *world, overrides []string) *world {
	w.t.Helper()
	w.clock, w.files, w.journal = clock.NewManual(time.UnixMilli(1_700_000_000_000)), vfs.NewMem(), &memoryJournal{}
	var err error
	w.static, err = config.Load(config.Input{Data: "data", Overrides: append([]string{"barnabas.durability=cached"}, overrides...)})
	w.must(err)
	w.must(w.files.MkdirAll("data/__cluster_metadata-0", 0o700))
	w.start()
	w.t.Cleanup(w.stop)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	var err error
	w.logs, err = disk.Open(disk.Options{
		FS: w.files, Dir: "data", Clock: w.clock, Random: func(int64) int64 { return 0 }, Durability: disk.Cached,
		CleanShutdown: true, OpenFilesMax: 100, ProducerExpiryMillis: 86_400_000,
		Fatal: func(err error) { w.t.Error(err) }, Truncated: func(disk.Truncation) {}, Logger: slog.New(slog.DiscardHandler),
	})
	w.must(err)
	w.store, err = metadata.Open(metadata.Options{
		FS: w.files, Dir: "data/__cluster_metadata-0", Journal: w.journal, Clock: w.clock,
		ClusterID: worldCluster, NodeID: worldNode, DirectoryID: protocol.UUID{1}, IncarnationID: protocol.NewUUID(),
	})
	w.must(err)
	w.set = partition.NewSet(w.logs, w, w.clock, nil)
	w.quotas = quota.NewClients(worldWindows, &w.counters)
	image := w.store.Watch(w.changed)
	w.settle(image)
	for t := range image.Topics() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			_, err := w.set.Add(logstore.ID{Topic: t.Name, TopicID: t.ID, Partition: p.Index}, p.LeaderEpoch, worldLog)
			w.must(err)
		}
	}
	w.groups = w.newGroups()
	w.shares = share.NewLeader(share.LeaderOptions{Persister: w, Clock: w.clock, Settings: w.shareSettings})
	w.server = server.New(server.Options{
		Addresses:     []server.Address{{Name: "PLAINTEXT", Host: "127.0.0.1", Persona: w.settings.Load().Listeners[0].Persona}},
		FrameBytesMax: 1 << 20, WriteTimeout: 10 * time.Second, RepliesMax: 64, RequestBytesMax: 1 << 24,
		Limits: server.Limits{Connections: 100, ConnectionsPerAddress: 100},
		Log:    slog.New(slog.DiscardHandler), Metrics: &metrics.Set{}, Clock: w.clock,
	})
	listeners, err := w.server.Listen()
	w.must(err)
	w.listener = listeners[0]
	w.api = New(Rooms{
		Config: w.settings.Load, Metadata: w.store, Partitions: w.set, Groups: w.groups, Cluster: w, Clock: w.clock,
		Transactions:  &w.transactions,
		Shares:        w.shares,
		GroupSettings: w.groupSettings,
		NewProducerID: metadata.NewProducerIDs(func() (metadata.ProducerIDBlock, error) { return w.store.FetchProducerIDs(worldNode) }).Next,
		WriteMarkers: func(m coordinator.Marker, partitions []txn.TopicPartition, done func([]error)) {
			(*w.writeMarkers.Load())(m, partitions, done)
		},
		Volume: func() (free, total uint64, err error) {
			w.clock.Advance(time.Duration(w.volumeTakes.Load()))
			if w.noVolume.Load() {
				return 0, 0, errors.New("the volume does not tell")
			}
			return 60, 100, nil
		},
		LookUpHost: func(ctx context.Context, name string) error { return (*w.lookUpHost.Load())(ctx, name) },
		Log:        slog.New(slog.DiscardHandler),
		Faults:     &w.faults,
		Principal:  w.principal(),
		Access:     w.access,
		Tokens:     w.tokens,
		Quotas:     w.quotas,
	})
	w.server.Serve(w.api)
	w.connect()
}

// connect opens the connection that ask uses.
func (w *world) connect() {
	w.t.Helper()
	var err error
	w.conn, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(w.listener.Port)))
	w.must(err)
	w.must(w.conn.SetDeadline(time.Now().Add(30 * time.Second))) // a broken test ends
	w.in = bufio.NewReader(w.conn)
}

func (w *world) stop() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w.groups.Close()
	w.must(w.conn.Close())
	w.must(w.server.Shutdown(ctx))
	w.shares.Close(context.Background())
	w.must(w.store.Close(ctx))
	w.must(w.logs.Close(ctx))
}

// restart stops the node and starts it on the same files.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// worldLog is a log's settings where they do not matter.
var worldLog = logstore.Config{
	SegmentBytes: 1 << 20, SegmentMillis: 1 << 40, IndexIntervalBytes: 4096, IndexBytesMax: 1 << 20,
	RetentionBytes: -1, RetentionMillis: -1, FlushMessages: 1 << 40, FlushMillis: 1 << 40, Delete: true,
}

// changed keeps partitions and settings in step, as the broker does.
func (w *world) changed(old, image *metadata.Image, records []metadata.Record) {
	for _, r := range records {
		switch r := r.(type) {
		case *metadata.PartitionRecord:
			id := logstore.ID{Topic: image.TopicByID(r.TopicID).Name, TopicID: r.TopicID, Partition: r.PartitionID}
			if _, err := w.set.Create(id, r.LeaderEpoch, worldLog); err != nil {
				w.t.Error(err)
			}
		case *metadata.RemoveTopicRecord:
			gone := old.TopicByID(r.TopicID)
			for i := range gone.Partitions {
				id := logstore.ID{Topic: gone.Name, TopicID: gone.ID, Partition: gone.Partitions[i].Index}
				if err := w.set.Remove(id); err != nil {
					w.t.Error(err)
				}
			}
		}
	}
	w.settle(image)
}

func (w *world) settle(image *metadata.Image) {
	settings, err := w.static.Broker(
		image.Config(metadata.Resource{Type: metadata.ResourceBroker}).Map(),
		image.Config(metadata.Resource{Type: metadata.ResourceBroker, Name: strconv.Itoa(worldNode)}).Map())
	if err != nil {
		w.t.Error(err)
	}
	w.settings.Store(settings)
	w.quotas.Change(QuotaLimits(image))
}

// worldWindows are Kafka's.
var worldWindows = quota.Windows{Clients: quota.Window{Samples: 11, Length: 1000}, Mutation: quota.Window{Samples: 11, Length: 1000}}

// RaiseEpoch implements partition.EpochRaiser.
func (w *world) RaiseEpoch(id logstore.ID) (protocol.Epoch, error) {
	image, err := w.store.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		return metadata.RaiseEpochs(image, worldNode, []metadata.TopicIDPartition{{TopicID: id.TopicID, Partition: id.Partition}}), nil
	})
	if err != nil {
		return 0, err
	}
	return image.TopicByID(id.TopicID).Partition(id.Partition).LeaderEpoch, nil
}

// Brokers implements ClusterView.
func (w *world) Brokers(c *server.Conn) []Endpoint { return []Endpoint{w.Self(c)} }

// Self implements ClusterView.
func (w *world) Self(*server.Conn) Endpoint {
	return Endpoint{NodeID: worldNode, Host: "broker.example", Port: 9092}
}

// ask sends a request in the version and returns the answer.
func ask[P kmsg.Response](w *world, version int16, q kmsg.Request) P {
	w.t.Helper()
	return askOn[P](w, w.conn, w.in, version, q)
}

// askOn asks on a connection.
func askOn[P kmsg.Response](w *world, conn net.Conn, in *bufio.Reader, version int16, q kmsg.Request) P {
	w.t.Helper()
	q.SetVersion(version)
	_, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 7))
	w.must(err)
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		w.t.Fatalf("waiting for the answer to %s v%d: %v", kmsg.NameForKey(q.Key()), version, err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err = io.ReadFull(in, answer)
	w.must(err)
	if id := binary.BigEndian.Uint32(answer); id != 7 {
		w.t.Fatalf("the answer has correlation id %d", id)
	}
	p := q.ResponseKind()
	body := answer[4:]
	if p.IsFlexible() && p.Key() != protocol.KeyApiVersions {
		body = body[1:] // no tagged fields
	}
	if err := p.ReadFrom(body); err != nil {
		w.t.Fatalf("reading the answer to %s v%d: %v", kmsg.NameForKey(q.Key()), version, err)
	}
	return p.(P)
}

// topic creates a topic and returns its id.
func (w *world) topic(name string, partitions int32, configs ...string) protocol.UUID {
	w.t.Helper()
	p := ask[*kmsg.CreateTopicsResponse](w, 7, createRequest(topicRequest(name, partitions, 1, configs...)))
	if p.Topics[0].ErrorCode != 0 {
		w.t.Fatalf("creating %s: error %d: %s", name, p.Topics[0].ErrorCode, *p.Topics[0].ErrorMessage)
	}
	return p.Topics[0].TopicID
}

// produce appends records to a partition, one batch each, and returns the end.
func (w *world) produce(topic string, index int32, values ...string) protocol.Offset {
	w.t.Helper()
	p := w.set.Get(w.store.Image().Topic(topic).ID, index)
	w.must(p.Ready())
	for _, v := range values {
		b := protocol.NewBatchBuilder(protocol.DefaultBatchOptions())
		b.Add(protocol.Timestamp(w.clock.Now().UnixMilli()), nil, []byte(v))
		var pending logstore.Pending
		if state := p.Append(logstore.AppendInput{Batch: b.Build(0, 0)}, &pending); state != logstore.Committed || pending.Err != nil {
			w.t.Fatalf("appending: state %d, error %v", state, pending.Err)
		}
	}
	return p.Offsets().End
}

// memoryJournal is the metadata's journal in memory; it outlives a restart.
type memoryJournal struct {
	mu      sync.Mutex
	batches []protocol.Batch
	fail    error // what the next appends answer
}

func (j *memoryJournal) Append(b protocol.Batch) (protocol.Offset, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return 0, j.fail
	}
	kept := append(protocol.Batch(nil), b...)
	kept.SetBaseOffset(j.end())
	j.batches = append(j.batches, kept)
	return kept.BaseOffset(), nil
}

func (j *memoryJournal) end() protocol.Offset {
	if len(j.batches) == 0 {
		return 0
	}
	return j.batches[len(j.batches)-1].LastOffset() + 1
}

func (j *memoryJournal) Replay(from protocol.Offset, fn func(protocol.Batch) error) error {
	for _, b := range j.batches {
		if b.LastOffset() >= from {
			if err := fn(append(protocol.Batch(nil), b...)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *memoryJournal) Start() protocol.Offset { return 0 }

func (j *memoryJournal) End() protocol.Offset {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.end()
}

func (j *memoryJournal) Flush() error { return nil }

func (j *memoryJournal) DeleteBefore(protocol.Offset) error { return nil }

// setFail makes appends fail from now on, or work again.
func (j *memoryJournal) setFail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
}
