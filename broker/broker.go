package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/auth/oauth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/console"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/internal/heavy"
	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/internal/ssl"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/quota"
	"github.com/barnabas-mq/barnabas/server"
	"github.com/barnabas-mq/barnabas/server/api"
)

// Options is what a broker is opened with. Settings is required; the rest has
// the machine's own as default.
type Options struct {
	Settings *config.Static
	FS       vfs.FS // nil is the machine's, or memory with log.dirs=:memory:
	Clock    clock.Clock
	Log      *slog.Logger
	// LogLevel is the level that Log heeds, which clients may change
	// (kafka-configs.sh --entity-type broker-loggers); nil keeps them from it.
	LogLevel *slog.LevelVar
	Version  string
	// Gateways tells the default gateways: the addresses that clients on the other
	// side of a container's port mapping come from. It is asked once, at the start.
	Gateways func() []netip.Addr
	// Topics exist before the first client is served, and again after a Reset.
	Topics []Topic
	// Preparing, unless empty, is what is still to be done when Open returns: clients are
	// served, and /health/ready gives it as the reason to wait until Prepared is called.
	Preparing string
}

// LevelNotice is the level of the few lines that belong in every log: start and
// stop. It lies above warnings, so that the default level shows it.
const LevelNotice = slog.LevelWarn + 1

// SettingsError is a setting that cannot be served as it is. The process ends
// with exit status 2.
type SettingsError struct{ Err error }

func (e *SettingsError) Error() string { return e.Err.Error() }
func (e *SettingsError) Unwrap() error { return e.Err }

// Broker is a broker that serves.
type Broker struct {
	opts     Options
	dir      string
	files    vfs.FS // for everything but the logs
	identity identity
	// incarnation names this process in the metadata and in the write-ahead log.
	incarnation protocol.UUID
	metrics     metrics.Set
	heavy       *heavy.Turns // over all connections
	settings    atomic.Pointer[config.Broker]
	first       *config.Broker // the settings of the start
	firstLevel  slog.Level     // of opts.LogLevel then
	fatal       chan error
	failed      atomic.Bool // something was told to fatal, taken from there or not
	faults      fault.Set
	started     atomic.Bool // clients are served
	prepared    atomic.Bool // Prepared was called, or need not be
	began       time.Time
	timers      *api.Timers // nil without an HTTP port
	// failedProduce and failedFetch are for the metrics alone.
	failedProduce, failedFetch metrics.Counter
	whenClosed                 func() // removes what was made for this broker alone; may be nil

	// In the order in which they are opened; Close goes the other way round. What
	// comes before the logs outlives a Reset.
	console   *console.Console // nil unless barnabas.http.listen is set
	server    *server.Server
	listeners []*server.Listener
	gateways  []netip.Addr // see Options.Gateways
	// secured are the keys and certificates of the listeners with TLS, by name.
	secured   map[string]*ssl.Provider
	sslFaults sync.Map // what was told last of each listener's keys
	// logins are the ways in of the listeners with SASL, by name.
	logins map[string]*api.Logins
	// nameRules are those of the listeners with TLS and without logins, by name.
	nameRules map[string]auth.NameRules
	access    *api.Access // nil without an authorizer
	tokens    *tokens     // nil without a secret for them
	// bearerKeys are the keys that sign the tokens of OAUTHBEARER.
	bearerKeys []*oauth.Keys
	quotas     *quota.Clients // outlives a Reset, as does what reads its counters
	lock       vfs.File
	// rooms is held by whoever replaces or closes the rooms below, and for reading by
	// whoever looks into them from outside.
	rooms      sync.RWMutex
	closed     bool // guarded by rooms
	logs       *disk.Store
	journal    *metadataJournal
	metadata   *metadata.Store
	partitions *partition.Set
	// known is the newest image, which may not be published yet.
	known        atomic.Pointer[metadata.Image]
	unnamedAside bool // see setUnnamedAside; of the metadata's owner
	// hostQuotas are the names of hosts whose quotas are told not to be enforced.
	hostQuotas toldNames
	// groupSettings resolves the settings of groups of all types.
	groupSettings groupSettings
	shares        *share.Coordinator
	sharing       *share.Leader
	groups        *group.Coordinator
	transactions  *txn.Coordinator
	waking        sync.WaitGroup // wakeTransactions, which a start does not wait for
	producerIDs   *metadata.ProducerIDs
	chores        *chores
}

// Open starts a broker. When it returns the listeners answer. An error leaves
// nothing open and, if the directory cannot be used, nothing changed.
func Open(o Options) (*Broker, error) {
	if o.Clock == nil {
		o.Clock = clock.Real()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Gateways == nil {
		o.Gateways = machineGateways
	}
	b := &Broker{opts: o, began: o.Clock.Now(), fatal: make(chan error, 1), incarnation: protocol.NewUUID(), heavy: heavy.New(runtime.GOMAXPROCS(0))}
	settings, err := o.Settings.Broker(nil, nil)
	if err != nil {
		return nil, &SettingsError{err}
	}
	b.settings.Store(settings)
	b.prepared.Store(o.Preparing == "")
	if b.first = settings; o.LogLevel != nil {
		b.firstLevel = o.LogLevel.Level()
	}
	if o.FS == nil {
		o.FS = vfs.OS()
		if settings.IsInMemory() {
			o.FS = vfs.NewVolatile()
		}
	}
	b.opts = o
	b.dir, b.files = settings.LogDirs[0], o.FS
	b.quotas = quota.NewClients(quotaWindows(settings), &b.metrics)
	if settings.Durability == config.DurabilityCached {
		b.files = vfs.SyncLater(o.FS)
	}
	for _, step := range append([]func() error{b.openConsole, b.listen, b.openDirectory}, b.roomSteps()...) {
		if err := step(); err != nil {
			_ = b.console.Close(context.Background()) // the first error says more
			b.closeRooms(context.Background(), false)
			return nil, err
		}
	}
	b.server.Serve(b.newAPI())
	b.waking.Go(b.wakeTransactions)
	b.startChores()
	b.started.Store(true)
	if b.console != nil {
		o.Log.Log(context.Background(), LevelNotice, "serving HTTP", "address", b.HTTPAddress(), "control", settings.HTTP.Control)
	}
	o.Log.Log(context.Background(), LevelNotice, "started", "bootstrap", b.Bootstrap(), "advertised", b.toldAtAll(), "data", b.dir, "cluster", b.identity.ClusterID, "version", o.Version)
	return b, nil
}

// roomSteps open what a Reset closes and opens again, in order.
func (b *Broker) roomSteps() []func() error {
	return []func() error{b.openLogs, b.openMetadata, b.openPartitions, b.openShares, b.openGroups, b.openTransactions, b.createTopics, b.useSSL, b.openTokens, b.openLogins, b.openAccess}
}

// newAPI makes the handler of requests over the rooms that are open.
func (b *Broker) newAPI() *api.API {
	o := &b.opts
	return api.New(api.Rooms{
		Config: b.settings.Load, SettingsFit: b.checkSSL,
		Logins: func(listener string) *api.Logins { return b.logins[listener] }, Principal: b.principalOf, Access: b.access, Tokens: b.tokens.forAPI(),
		Metadata: b.metadata, Partitions: b.partitions, Groups: b.groups, Shares: b.sharing, GroupSettings: b.groupSettings.of,
		Transactions: b.transactions, NewProducerID: b.producerIDs.Next, WriteMarkers: b.writeMarkers,
		Cluster: b, Clock: o.Clock, Log: o.Log, LogLevel: o.LogLevel, Faults: &b.faults, Quotas: b.quotas,
		Timers: b.timers, FailedProduce: &b.failedProduce, FailedFetch: &b.failedFetch,
		Heavy:  b.heavy,
		Volume: func() (free, total uint64, err error) { return o.FS.FreeBytes(b.dir) },
		LookUpHost: func(ctx context.Context, name string) error {
			_, err := net.DefaultResolver.LookupHost(ctx, name)
			return err
		},
	})
}

// listen binds the addresses. It comes first, so that a port in use leaves the
// data directory alone.
func (b *Broker) listen() error {
	s := b.settings.Load()
	o := server.Options{
		FrameBytesMax: s.SocketRequestBytesMax, IdleTimeout: s.ConnectionIdleMax, WriteTimeout: s.ConnectionWriteTimeout,
		HandshakeTimeout: s.ConnectionHandshakeTimeout,
		SendBufferBytes:  s.SocketSendBufferBytes, ReceiveBufferBytes: s.SocketReceiveBufferBytes,
		RepliesMax: s.ConnectionRepliesMax, RequestBytesMax: s.RequestMemoryBytesMax,
		Limits: b.connectionLimits(s, nil), QuotaWindow: quotaWindows(s).Clients,
		LinesMax: s.ConnectionLinesMax, Heavy: b.heavy, Log: b.opts.Log, Metrics: &b.metrics, Clock: b.opts.Clock,
	}
	for _, l := range s.Listeners {
		a := server.Address{Name: l.Name, Host: l.Host, Port: l.Port, Persona: l.Persona}
		if _, secured := s.ListenerSSL[l.Name]; secured {
			a.TLS = b.secure(l.Name).Config()
		}
		o.Addresses = append(o.Addresses, a)
	}
	b.server = server.New(o)
	var err error
	if b.listeners, err = b.server.Listen(); err != nil {
		return err
	}
	b.findGateways()
	return nil
}

// openDirectory locks the data directory and reads who it belongs to.
func (b *Broker) openDirectory() (err error) {
	if b.lock, err = lockDirectory(b.files, b.dir); err != nil {
		return err
	}
	wanted := b.opts.Settings.ClusterID
	if b.identity, err = loadIdentity(b.files, b.dir, b.settings.Load().NodeID, wanted); err != nil {
		return err
	}
	if wanted != "" && wanted != b.identity.ClusterID {
		b.opts.Log.Warn("the data directory keeps its own cluster id", "cluster", b.identity.ClusterID, "wanted", wanted)
	}
	return nil
}

// openLogs opens the store of logs over the data directory.
func (b *Broker) openLogs() error {
	s := b.settings.Load()
	clean, err := hasCleanMarker(b.files, b.dir)
	if err != nil {
		return err
	}
	durability := disk.Sync
	if s.Durability == config.DurabilityCached {
		durability = disk.Cached
	}
	b.logs, err = disk.Open(disk.Options{
		FS: b.opts.FS, Dir: b.dir, Clock: b.opts.Clock, Random: rand.Int64N,
		Durability: durability, CleanShutdown: clean,
		Owner: b.identity.ClusterID + "/" + b.identity.DirectoryID.String(), Process: b.incarnation.String(),
		WALSlotBytes: b.walFileBytes(), WALSlotsMax: s.WALFilesMax, BallastBytes: s.BallastBytes,
		OpenFilesMax: s.OpenFilesMax, ProducerExpiryMillis: s.ProducerIDExpiration.Milliseconds(),
		Cleaner: cleanerOptions(s),
		Fatal:   b.fail, Truncated: b.truncated, Logger: b.opts.Log,
	})
	if err != nil {
		return &DirectoryError{b.dir, "the logs cannot be opened", err}
	}
	return nil
}

// walFileBytes is the size of a file of the write-ahead log: on a small volume it
// must not take the room that it is to protect.
func (b *Broker) walFileBytes() int64 {
	const share, least = 16, 1 << 20
	size := b.settings.Load().WALFileBytes
	if _, total, err := b.opts.FS.FreeBytes(b.dir); err == nil {
		size = min(size, max(int64(total/share), least))
	}
	return size &^ (vfs.DirectBytes - 1)
}

// truncated makes the next append raise the leader epoch. The metadata log itself
// is recovered before there are partitions.
func (b *Broker) truncated(t disk.Truncation) {
	if b.partitions != nil {
		b.partitions.Truncated(t.ID)
	}
}

// fail ends the broker: what the disk holds is not known any more.
func (b *Broker) fail(err error) {
	b.failed.Store(true)
	select {
	case b.fatal <- err:
	default: // the first reason is the one to tell
	}
}

// Prepared tells that what Options.Preparing speaks of is done.
func (b *Broker) Prepared() { b.prepared.Store(true) }

// Fatal gives the reason when the broker cannot go on; it must be closed then.
func (b *Broker) Fatal() <-chan error { return b.fatal }

// Close stops the broker in order. Requests under way end; ctx bounds the wait.
// Closing it again does nothing.
func (b *Broker) Close(ctx context.Context) error {
	consoleErr := b.console.Close(ctx) // first: who is served there may wait for the rooms
	b.rooms.Lock()
	defer b.rooms.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	err := errors.Join(consoleErr, b.closeRooms(ctx, true))
	if b.whenClosed != nil {
		b.whenClosed()
	}
	return err
}

// Run serves until ctx ends, which is no error, or until the broker cannot go on,
// and closes it within StopTimeout.
func (b *Broker) Run(ctx context.Context) error {
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-b.Fatal():
	}
	return errors.Join(failure, b.Stop())
}

// Stop is Close within StopTimeout.
func (b *Broker) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), b.StopTimeout())
	defer cancel()
	return b.Close(ctx)
}

// closeRooms closes what is open, in the reverse order of opening. A broker that
// has started leaves what spares the next start a scan; one that has not writes
// nothing.
func (b *Broker) closeRooms(ctx context.Context, started bool) error {
	var problems []error
	note := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", what, err))
		}
	}
	if b.chores != nil {
		b.chores.stop()
	}
	b.closeBearers()
	if later, ok := b.files.(*vfs.Later); ok && b.lock != nil && !b.failed.Load() { // a failed sync is never tried again
		if b.journal != nil {
			note("syncing what the start put off", b.journal.flushPutOff())
		}
		note("syncing what the start put off", later.Flush())
	}
	if b.transactions != nil {
		b.waking.Wait()
		b.transactions.Close()
	}
	if b.groups != nil {
		b.groups.Close() // answers everyone who waits, so that connections can end
	}
	if b.server != nil {
		if err := b.server.Shutdown(ctx); err != nil {
			b.opts.Log.Warn("connections were cut short by the stop", "error", err)
		}
	}
	b.closeAccess()
	if b.shares != nil { // after the connections, whose members give back what they have
		b.sharing.Close(ctx)
		b.shares.Close()
	}
	epoch := int64(0)
	if b.metadata != nil {
		epoch = b.metadata.BrokerEpoch()
		if started && !b.failed.Load() {
			b.sayGoodbye(ctx)
		}
		note("closing the metadata", b.metadata.Close(ctx))
	}
	verified := false
	switch {
	case b.logs == nil:
	case started:
		note("closing the logs", b.logs.Close(ctx))
		verified = b.logs.Verified()
	default:
		b.logs.Abandon()
	}
	if verified && !b.failed.Load() && len(problems) == 0 {
		note("writing the marker of a clean stop", writeCleanMarker(b.files, b.dir, epoch))
	}
	if b.lock != nil {
		note("unlocking the data directory", b.lock.Close())
	}
	if started && len(problems) == 0 {
		b.opts.Log.Log(ctx, LevelNotice, "stopped")
	}
	return errors.Join(problems...)
}

// Bootstrap is an address that a client on this machine can use.
func (b *Broker) Bootstrap() string { return reachable(b.listeners[0]) }

// IsSecured tells whether there is TLS at Bootstrap.
func (b *Broker) IsSecured() bool { return b.secured[b.listeners[0].Name] != nil }

// Unguarded is Bootstrap of the first listener without TLS and without logins, empty when
// there is none.
func (b *Broker) Unguarded() string {
	for _, l := range b.listeners {
		if b.secured[l.Name] == nil && b.logins[l.Name] == nil {
			return reachable(l)
		}
	}
	return ""
}

// reachable is an address of a listener for clients of this machine.
func reachable(l *server.Listener) string {
	host := l.Host
	if host == "" || host == "localhost" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(l.Port))
}

// NodeID is the broker's id in the cluster.
func (b *Broker) NodeID() int32 { return b.settings.Load().NodeID }

// ClusterID is the id of the cluster, made with the data directory.
func (b *Broker) ClusterID() string { return b.identity.ClusterID }

// DataDir is the data directory.
func (b *Broker) DataDir() string { return b.dir }

// Durability says in a few words when a record counts as written.
func (b *Broker) Durability() string {
	switch s := b.settings.Load(); {
	case s.IsInMemory():
		return "none: in memory, gone with the process"
	case s.Durability == config.DurabilityCached:
		return "cached: survives kill -9, not a power cut"
	}
	return "sync: acks=all means on disk"
}

// StopTimeout is how long a stop may take.
func (b *Broker) StopTimeout() time.Duration { return b.settings.Load().StopTimeout }
