package config

import (
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/internal/ssl"
)

// Durability says when a write counts as done.
type Durability string

const (
	DurabilitySync   Durability = "sync"
	DurabilityCached Durability = "cached"
)

// RecordValidation says how closely produced batches are looked at.
type RecordValidation string

const (
	ValidateRecords RecordValidation = "records"
	ValidateHeader  RecordValidation = "header"
)

// MemoryDir in place of a data directory keeps the data in memory, for as long as
// the process lives.
const MemoryDir = ":memory:"

// IsInMemory tells that the data live and die with the process.
func (b *Broker) IsInMemory() bool { return b.LogDirs[0] == MemoryDir }

// Broker is one immutable state of all broker settings. A change of settings
// makes a new one. Limits that are not set are math.MaxInt32, as in Kafka;
// sizes are bytes; Unlimited (-1) is said where it may occur.
type Broker struct {
	// Identity.
	NodeID              int32
	Rack                string // empty: none
	Listeners           []Listener
	AdvertisedListeners []Listener // a host may be empty, see Listener.Host
	AdvertisedHostname  bool       // an empty host means the machine's name
	LogDirs             []string   // Invariant: exactly one
	InsecureIgnore      bool
	HTTP                HTTP

	// Connections and requests.
	SocketSendBufferBytes     int // -1: the system's choice
	SocketReceiveBufferBytes  int // -1: the system's choice
	SocketRequestBytesMax     int
	PreauthRequestBytesMax    int
	RequestMemoryBytesMax     int64 // over all connections
	RequestDecodedBytesMax    int
	RequestPartitionsMax      int
	ConnectionsMax            int
	ConnectionsPerIPMax       int
	ConnectionsPerIPOverrides map[string]int // by address; do not change
	ConnectionCreationRateMax int            // per second
	// ListenerSSL has the TLS settings of the listeners whose Protocol is SSL or SASL_SSL, by
	// name, and ListenerSASL what those offer whose Protocol is SASL_PLAINTEXT or SASL_SSL.
	ListenerSSL  map[string]ssl.Settings
	ListenerSASL map[string]SASL
	// ListenerConnections are the limits of the listeners by name; what one does not
	// set for itself is the broker's.
	ListenerConnections    map[string]ListenerConnections
	ConnectionIdleMax      time.Duration // negative: for ever
	ConnectionLinesMax     int           // a second in the log, of each kind of trouble
	ConnectionRepliesMax   int
	ConnectionWriteTimeout time.Duration
	// ConnectionHandshakeTimeout bounds a TLS handshake; SSLReloadInterval is between two
	// looks at the files behind ListenerSSL, 0 for none.
	ConnectionHandshakeTimeout time.Duration
	SSLReloadInterval          time.Duration
	FailedLoginDelay           time.Duration
	Access                     Access
	Tokens                     Tokens
	// ListenerNameRules are ssl.principal.mapping.rules of the listeners with TLS.
	ListenerNameRules       map[string]string
	FetchBytesMax           int
	FetchConversionBytesMax int
	FetchSessionSlots       int
	DescribePartitionsMax   int
	// QuotaWindow is what the rates of clients are taken over, and ControllerQuotaWindow how
	// much of their changes of topics may come at once.
	QuotaWindow           QuotaWindow
	ControllerQuotaWindow QuotaWindow
	StopTimeout           time.Duration

	// Topics and logs. Defaults of topic settings are in Topic.
	NumPartitions             int
	DefaultReplicationFactor  int
	AutoCreateTopics          bool
	DeleteTopics              bool
	ReplicationClamp          bool
	Durability                Durability
	RecordValidation          RecordValidation
	BatchDecompressedBytesMax int
	OpenFilesMax              int
	BallastBytes              int64
	WALFileBytes              int64
	WALFilesMax               int
	RetentionCheckInterval    time.Duration
	InitialTaskDelay          time.Duration
	FlushCheckInterval        time.Duration
	RecoveryPointInterval     time.Duration
	LogStartOffsetInterval    time.Duration
	MetadataSnapshotBytes     int64

	// Log cleaner.
	CleanerEnabled           bool
	CleanerThreads           int
	CleanerDedupeBufferBytes int64
	CleanerLoadFactor        float64
	CleanerBytesPerSecondMax float64
	CleanerBackoff           time.Duration

	// Classic groups and offsets.
	GroupSessionTimeoutMin        time.Duration
	GroupSessionTimeoutMax        time.Duration
	GroupInitialRebalanceDelay    time.Duration
	GroupSizeMax                  int
	GroupMetadataBytesMax         int
	GroupRegexBytesMax            int
	GroupRebalanceProtocols       []string
	CoordinatorQueueMax           int
	OffsetMetadataBytesMax        int
	OffsetsTopicPartitions        int
	OffsetsTopicReplicationFactor int
	OffsetsTopicSegmentBytes      int
	OffsetsRetention              time.Duration
	OffsetsRetentionCheckInterval time.Duration
	OffsetsCommitTimeout          time.Duration

	// Consumer and share groups (KIP-848, KIP-932); the times of one group are in Group.
	ConsumerGroupSizeMax         int
	ConsumerGroupAssignors       []string
	ConsumerGroupMigrationPolicy string // lower case
	ConsumerGroupRegexRefresh    time.Duration

	// Share groups (KIP-932). The group coordinator's, read as above:
	ShareGroupSizeMax         int
	ShareGroupInitializeRetry time.Duration
	// and those of their partitions.
	ShareStateTopicPartitions        int
	ShareStateTopicReplicationFactor int
	ShareStateTopicMinISR            int
	ShareStateTopicSegmentBytes      int
	ShareStateWriteTimeout           time.Duration
	ShareStatePruneInterval          time.Duration
	ShareSessionsMax                 int
	ShareSnapshotUpdates             int
	ShareSnapshotInterval            time.Duration // of share partitions that nobody touches

	// Producers and transactions.
	ProducerIDExpiration              time.Duration
	ProducerIDExpirationCheckInterval time.Duration
	TransactionalIDExpiration         time.Duration
	TransactionTimeoutMax             time.Duration
	TransactionAbortCheckInterval     time.Duration
	TransactionExpiryCheckInterval    time.Duration
	TransactionTopicPartitions        int
	TransactionTopicReplicationFactor int
	TransactionTopicMinISR            int
	TransactionTopicSegmentBytes      int
	TransactionPartitionVerification  bool
	TransactionTwoPhaseCommit         bool

	reader *reader
}

// ListenerConnections bounds the connections of one listener.
type ListenerConnections struct {
	Max             int
	CreationRateMax int // per second
}

// QuotaWindow is so many samples of a length of time.
type QuotaWindow struct {
	Samples int
	Length  time.Duration // of one
}

// Broker combines the settings of the start with what was altered since: for
// the whole cluster and for this broker. The maps are copied. Altered values
// that are not legal, or not alterable, are left out and named by the error,
// which is Problems; the Broker is usable in that case too. Only when an
// altered value asks for protection that cannot be given is there none.
func (s *Static) Broker(dynamicDefault, dynamicBroker map[string]string) (*Broker, error) {
	wholeCluster, wrong := alterable(dynamicDefault, false)
	thisBroker, more := alterable(dynamicBroker, true)
	wrong = append(wrong, more...)
	r := &reader{layers: []layer{
		{SourceDynamicBroker, thisBroker}, {SourceDynamicDefaultBroker, wholeCluster}, {SourceStaticBroker, s.values},
	}}
	faults, unprotected := together(r)
	unprotected = append(unprotected, askingForProtection(thisBroker)...)
	unprotected = append(unprotected, askingForProtection(wholeCluster)...)
	if len(unprotected) > 0 && !r.boolean(keyInsecureIgnore) {
		return nil, append(wrong, dynamicProblems(unprotected)...).sorted()
	}
	// A listener whose protection is configured wrongly is not to be opened as it was before.
	if slices.ContainsFunc(faults, func(f keyed) bool { return isOfSecurity(baseKey(f.key)) }) {
		return nil, append(wrong, dynamicProblems(faults)...).sorted()
	}
	// Values that are legal one by one may contradict each other. The start was
	// judged already, so leaving out what was altered mends it.
	for _, f := range faults {
		names := []string{f.key}
		if slices.Contains(listenerKeys, f.key) {
			names = listenerKeys
		}
		for _, name := range names {
			delete(thisBroker, name)
			delete(wholeCluster, name)
		}
	}
	wrong = append(wrong, dynamicProblems(faults)...)
	return newBroker(r), wrong.sorted().asError()
}

func dynamicProblems(faults []keyed) Problems {
	problems := make(Problems, 0, len(faults))
	for _, f := range faults {
		problems = append(problems, Problem{f.key, Origin{Kind: FromDynamic}, f.key + ": " + f.text})
	}
	return problems
}

// alterable copies the legal ones of altered values.
func alterable(altered map[string]string, perBroker bool) (map[string]string, Problems) {
	legal := make(map[string]string, len(altered))
	var wrong Problems
	for name, value := range altered {
		if err := checkAltered(name, value, perBroker); err != nil {
			wrong = append(wrong, Problem{name, Origin{Kind: FromDynamic}, err.Error()})
			continue
		}
		legal[name] = value
	}
	return legal, wrong
}

func newBroker(r *reader) *Broker {
	b := &Broker{reader: r}
	b.readIdentity(r)
	b.readConnections(r)
	b.readLogs(r)
	b.readGroups(r)
	b.readTransactions(r)
	return b
}

func (b *Broker) readIdentity(r *reader) {
	b.NodeID = int32(r.integer("node.id"))
	b.Rack = r.text("broker.rack")
	ends, _ := r.endpoints().resolve()
	b.Listeners, b.AdvertisedListeners = ends.listen, ends.advertised
	for i := range b.Listeners {
		b.Listeners[i].Persona = r.persona(b.Listeners[i].Name)
	}
	b.AdvertisedHostname = r.text(keyAdvertised) == "hostname"
	b.LogDirs = distinct(r.logDirs())
	b.InsecureIgnore = r.boolean(keyInsecureIgnore)
	b.readHTTP(r)
}

func (b *Broker) readConnections(r *reader) {
	b.SocketSendBufferBytes = r.count("socket.send.buffer.bytes")
	b.SocketReceiveBufferBytes = r.count("socket.receive.buffer.bytes")
	b.SocketRequestBytesMax = r.count("socket.request.max.bytes")
	b.PreauthRequestBytesMax = r.count("barnabas.request.preauth.max.bytes")
	b.RequestMemoryBytesMax = r.integer("queued.max.request.bytes")
	if b.RequestMemoryBytesMax <= 0 {
		// A limit below the largest request would make that request impossible.
		b.RequestMemoryBytesMax = max(r.integer("barnabas.request.memory.max.bytes"), int64(b.SocketRequestBytesMax))
	}
	b.RequestDecodedBytesMax = r.count("barnabas.request.decoded.max.bytes")
	b.RequestPartitionsMax = r.count("barnabas.request.partitions.max")
	b.ConnectionsMax = r.count("max.connections")
	b.ConnectionsPerIPMax = r.count("max.connections.per.ip")
	b.ConnectionsPerIPOverrides, _ = parseOverridesPerIP(r.text("max.connections.per.ip.overrides"))
	b.ConnectionCreationRateMax = r.count("max.connection.creation.rate")
	b.ListenerSSL = make(map[string]ssl.Settings)
	b.ListenerSASL = make(map[string]SASL)
	b.ListenerNameRules = make(map[string]string)
	b.Access, _ = r.access()
	b.Tokens = r.tokens()
	for _, l := range b.Listeners {
		if l.hasTLS() {
			b.ListenerSSL[l.Name] = r.ssl(l)
			b.ListenerNameRules[l.Name] = r.nameRules(l.Name)
		}
		if l.hasLogins() {
			b.ListenerSASL[l.Name], _, _ = r.sasl(l.Name)
		}
	}
	b.FailedLoginDelay = r.millis("connection.failed.authentication.delay.ms")
	b.SSLReloadInterval = r.millis("barnabas.ssl.reload.interval.ms")
	b.ConnectionHandshakeTimeout = r.millis("barnabas.connection.handshake.timeout.ms")
	b.ListenerConnections = make(map[string]ListenerConnections, len(b.Listeners))
	for _, l := range b.Listeners {
		b.ListenerConnections[l.Name] = ListenerConnections{
			Max:             int(r.ofListener(listenersOwn(l.Name, "max.connections"))),
			CreationRateMax: int(r.ofListener(listenersOwn(l.Name, "max.connection.creation.rate"))),
		}
	}
	b.ConnectionIdleMax = r.millis("connections.max.idle.ms")
	b.ConnectionLinesMax = r.count("barnabas.connection.lines.max")
	b.ConnectionRepliesMax = r.count("barnabas.connection.replies.max")
	b.ConnectionWriteTimeout = r.millis("barnabas.connection.write.timeout.ms")
	b.FetchBytesMax = r.count("fetch.max.bytes")
	b.FetchConversionBytesMax = r.count("barnabas.fetch.conversion.max.bytes")
	b.FetchSessionSlots = r.count("max.incremental.fetch.session.cache.slots")
	b.QuotaWindow = QuotaWindow{r.count("quota.window.num"), durationOf(r.integer("quota.window.size.seconds"), time.Second)}
	b.ControllerQuotaWindow = QuotaWindow{r.count("controller.quota.window.num"), durationOf(r.integer("controller.quota.window.size.seconds"), time.Second)}
	b.DescribePartitionsMax = r.count("max.request.partition.size.limit")
	b.StopTimeout = r.millis("barnabas.stop.timeout.ms")
}

func (b *Broker) readLogs(r *reader) {
	b.NumPartitions = r.count("num.partitions")
	b.DefaultReplicationFactor = r.count("default.replication.factor")
	b.AutoCreateTopics = r.boolean("auto.create.topics.enable")
	b.DeleteTopics = r.boolean("delete.topic.enable")
	b.ReplicationClamp = r.boolean(keyClamp)
	b.Durability = Durability(r.text(keyDurability))
	b.RecordValidation = RecordValidation(r.text("barnabas.record.validation"))
	b.BatchDecompressedBytesMax = r.count("barnabas.batch.decompressed.max.bytes")
	b.OpenFilesMax = r.count("barnabas.open.files.max")
	b.BallastBytes = r.integer("barnabas.ballast.bytes")
	b.WALFileBytes = r.integer("barnabas.wal.file.bytes")
	b.WALFilesMax = r.count("barnabas.wal.files.max")
	b.RetentionCheckInterval = r.millis("log.retention.check.interval.ms")
	b.InitialTaskDelay = r.millis("log.initial.task.delay.ms")
	b.FlushCheckInterval = r.millis("log.flush.scheduler.interval.ms")
	b.RecoveryPointInterval = r.millis("log.flush.offset.checkpoint.interval.ms")
	b.LogStartOffsetInterval = r.millis("log.flush.start.offset.checkpoint.interval.ms")
	b.MetadataSnapshotBytes = r.integer("metadata.log.max.record.bytes.between.snapshots")
	b.CleanerEnabled = r.boolean("log.cleaner.enable")
	b.CleanerThreads = r.count("log.cleaner.threads")
	b.CleanerDedupeBufferBytes = r.integer("log.cleaner.dedupe.buffer.size")
	b.CleanerLoadFactor = r.double("log.cleaner.io.buffer.load.factor")
	b.CleanerBytesPerSecondMax = r.double("log.cleaner.io.max.bytes.per.second")
	b.CleanerBackoff = r.millis("log.cleaner.backoff.ms")
	if b.IsInMemory() { // there is no disk to be on, nor one to be full
		b.Durability, b.BallastBytes = DurabilityCached, 0
	}
}

func (b *Broker) readTransactions(r *reader) {
	b.ProducerIDExpiration = r.millis("producer.id.expiration.ms")
	b.ProducerIDExpirationCheckInterval = r.millis("producer.id.expiration.check.interval.ms")
	b.TransactionalIDExpiration = r.millis("transactional.id.expiration.ms")
	b.TransactionTimeoutMax = r.millis("transaction.max.timeout.ms")
	b.TransactionAbortCheckInterval = r.millis("transaction.abort.timed.out.transaction.cleanup.interval.ms")
	b.TransactionExpiryCheckInterval = r.millis("transaction.remove.expired.transaction.cleanup.interval.ms")
	b.TransactionTopicPartitions = r.count("transaction.state.log.num.partitions")
	b.TransactionTopicReplicationFactor = r.count("transaction.state.log.replication.factor")
	b.TransactionTopicMinISR = r.count("transaction.state.log.min.isr")
	b.TransactionTopicSegmentBytes = r.count("transaction.state.log.segment.bytes")
	b.TransactionPartitionVerification = r.boolean("transaction.partition.verification.enable")
	b.TransactionTwoPhaseCommit = r.boolean("transaction.two.phase.commit.enable")
}
