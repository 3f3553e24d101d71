package clients

import "slices"

// Client is one row of the matrix.
type Client struct {
	// Name is the test's name.
	Name string
	// Folder of the program, if not Name; for Java all of its folders, with blanks between.
	Folder string
	// Locks is the folder of the lock files, if not Folder.
	Locks string
	// Settings, NAME=VALUE with blanks between, are for the library.
	Settings string
	// Version is what the program must report of itself. Lock files beside the
	// programs pin what belongs to it: go.mod, requirements.txt,
	// package-lock.json, pom.xml, Cargo.lock.
	Version string
	// Toolchain installs and runs it.
	Toolchain Toolchain
	// Codecs that the program must offer, and those that it may lack where the
	// language's runtime is too old.
	Codecs, OptionalCodecs []string
	// Reads are the codecs that it can read of others, if not those that it writes; what it may lack comes to it.
	Reads []string
	// Old is what speaks versions that Apache Kafka 4 has dropped.
	Old bool
	// Lacks is what the library cannot express.
	Lacks Lacks
	// Can is what its program offers beside the steps that all have.
	Can []Skill
	// Admin are the commands of the admin step that the library has.
	Admin []string
	// BrokerProperties are set for this client alone.
	BrokerProperties map[string]string
}

// Lacks takes away from the records what a library cannot send or tell apart.
type Lacks struct {
	// NullHeaders: a header has a value, at least an empty one.
	NullHeaders bool
	// DoubledHeaders: of headers with one name it has the last.
	DoubledHeaders bool
	// SortedHeaders: it sends and tells headers in the order of their names.
	SortedHeaders bool
	// HeadersPerRecord: all records of one run have the same headers, in text.
	HeadersPerRecord bool
	// EmptyValues: an empty value is sent as null.
	EmptyValues bool
	// ReadsEmptyAsNull: what was empty comes back as null.
	ReadsEmptyAsNull bool
	// Headers, Timestamps: the message format that it speaks has none (formats 0 and 1).
	Headers, Timestamps bool
	// OwnTimestamps: it sends the time of sending only.
	OwnTimestamps bool
	// Admin: it cannot make a topic.
	Admin bool
	// Commits: it reads without offsets that are kept in the broker.
	Commits bool
	// Drain: of transactions, it does not say when it has read all that there is.
	Drain bool
	// OffsetsWait: of transactions, the offsets go to the broker with the commit.
	OffsetsWait bool
	// Groups: it reads as itself only, never as a member.
	Groups bool
}

// Skill is a part of the command line that not every client can have.
type Skill string

// The skills; doc.go describes their flags and steps.
const (
	Large  Skill = "large"  // produce --max-bytes
	Seek   Skill = "seek"   // read --since
	Static Skill = "static" // member --instance
	Stream Skill = "stream" // stream; what is sent again is stored again
	// StreamOnce is stream by an idempotent producer.
	StreamOnce Skill = "stream-once"
)

// allAdmin are the commands of the admin step.
var allAdmin = []string{
	"create", "topics", "describe", "partitions", "alter", "config", "delete-records", "groups", "offsets", "delete-group", "delete",
}

func without(all []string, missing ...string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(missing, name) })
}

// Toolchain is how a client is installed.
type Toolchain int

// The toolchains of the matrix.
const (
	Debian Toolchain = iota
	Go
	Java
	Node
	Python
	Rust
)

// Language is what the matrix says of a toolchain's clients.
func (t Toolchain) Language() string {
	return map[Toolchain]string{Debian: "C", Go: "Go", Java: "Java", Node: "JavaScript", Python: "Python", Rust: "Rust"}[t]
}

var (
	allCodecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}
	// oldCodecs are those before zstd came with Kafka 2.1 (KIP-110).
	oldCodecs = []string{"none", "gzip", "snappy", "lz4"}
)

// Clients is the matrix: the clients of today, and those of old.
var Clients = append(newClients, oldClients...)

var newClients = []Client{
	{
		Name: "kcat", Version: "1.7.1", Toolchain: Debian, Codecs: allCodecs,
		// -H is for a whole run, and -Z, which sends nulls, sends them for every empty part.
		Lacks: Lacks{HeadersPerRecord: true, EmptyValues: true, OwnTimestamps: true},
		// kcat has no admin requests: the broker makes its topic when it asks for metadata.
		BrokerProperties: map[string]string{"num.partitions": "3"},
		// It tells neither which record was acknowledged nor where.
		Can: []Skill{Large, Seek, Static},
	},
	{
		Name: "confluent-kafka", Version: "2.16.1", Toolchain: Python, Codecs: allCodecs,
		Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin,
	},
	{
		Name: "aiokafka", Version: "0.14.0", Toolchain: Python, Codecs: allCodecs,
		Can: []Skill{Large, Seek, Static, StreamOnce},
		// It has no request to delete a group.
		Admin: []string{"create", "topics", "describe", "partitions", "alter", "config", "delete-records", "groups", "offsets", "delete"},
	},
	{
		Name: "kafka-python", Version: "3.0.12", Toolchain: Python, Codecs: allCodecs, Lacks: Lacks{NullHeaders: true},
		Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin,
	},
	{
		Name: "kafkajs", Version: "2.2.4", Toolchain: Node, Codecs: allCodecs, Lacks: Lacks{NullHeaders: true, Drain: true},
		// A consumer has no instance id. The producer is idempotent, but chooses another partition for a record without key
		// that it sends again.
		Can: []Skill{Large, Seek, Stream}, Admin: allAdmin,
	},
	{
		// 2.x needs Node 22.22; this is the newest for Node 20. zstd is Node's own, from 22.15 on.
		Name: "platformatic-kafka", Version: "1.35.0", Toolchain: Node,
		Codecs: oldCodecs, OptionalCodecs: []string{"zstd"},
		// Its snappy is a bare block; it cannot read blocks in the frames of snappy-java, as all others write them.
		Reads: []string{"none", "gzip", "lz4"},
		Can:   []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin,
	},
	{Name: "franz-go", Version: "v1.22.2", Toolchain: Go, Codecs: allCodecs, Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin},
	{Name: "sarama", Version: "v1.61.1", Toolchain: Go, Codecs: allCodecs, Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin, Lacks: Lacks{Drain: true, OffsetsWait: true}},
	{
		Name: "kafka-go", Version: "v0.4.51", Toolchain: Go, Codecs: allCodecs, Lacks: Lacks{ReadsEmptyAsNull: true},
		Can:   []Skill{Large, Seek, Stream}, // neither idempotent producers nor static members
		Admin: without(allAdmin, "delete-records"),
	},
	newJava("java-4.4", "4.4.0"),
	newJava("java-4.3", "4.3.1"),
	newJava("java-3.9", "3.9.2"),
	{
		Name: "rdkafka", Version: "0.39.0", Toolchain: Rust, Codecs: allCodecs,
		Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin,
	},
	{
		// A record has a map of headers; there is a client for each partition and nothing above.
		Name: "rskafka", Version: "0.6.0", Toolchain: Rust, Codecs: allCodecs,
		Lacks: Lacks{NullHeaders: true, DoubledHeaders: true, SortedHeaders: true, Commits: true, Groups: true},
		Can:   []Skill{Large, Seek, Stream}, Admin: []string{"create", "topics", "describe", "delete-records", "delete"},
	},
}

// newJava is a client that can do all; idempotence is the default since 3.0 (KIP-679).
func newJava(name, version string) Client {
	return Client{
		Name: name, Folder: "java java/since-3.1", Version: version, Toolchain: Java, Codecs: allCodecs,
		Can: []Skill{Large, Seek, Static, StreamOnce}, Admin: allAdmin,
	}
}
