package clients

// Client is one row of the matrix.
type Client struct {
	// Name is the test's name and, for all but Java, the program's folder.
	Name string
	// Version is what the program must report of itself. Lock files beside the
	// programs pin what belongs to it: go.mod, requirements.txt,
	// package-lock.json, pom.xml.
	Version string
	// Toolchain installs and runs it.
	Toolchain Toolchain
	// Codecs that the program must offer, and those that it may lack where the
	// language's runtime is too old.
	Codecs, OptionalCodecs []string
	// Lacks is what the library cannot express.
	Lacks Lacks
	// BrokerProperties are set for this client alone.
	BrokerProperties map[string]string
}

// Lacks takes away from the records what a library cannot send or tell apart.
type Lacks struct {
	// NullHeaders: a header has a value, at least an empty one.
	NullHeaders bool
	// HeadersPerRecord: all records of one run have the same headers, in text.
	HeadersPerRecord bool
	// EmptyValues: an empty value is sent as null.
	EmptyValues bool
	// ReadsEmptyAsNull: what was empty comes back as null.
	ReadsEmptyAsNull bool
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
)

var allCodecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// Clients is the matrix.
var Clients = []Client{
	{
		Name: "kcat", Version: "1.7.1", Toolchain: Debian, Codecs: allCodecs,
		// -H is for a whole run, and -Z, which sends nulls, sends them for every empty part.
		Lacks: Lacks{HeadersPerRecord: true, EmptyValues: true},
		// kcat has no admin requests: the broker makes its topic when it asks for metadata.
		BrokerProperties: map[string]string{"num.partitions": "3"},
	},
	{Name: "confluent-kafka", Version: "2.16.1", Toolchain: Python, Codecs: allCodecs},
	{Name: "aiokafka", Version: "0.14.0", Toolchain: Python, Codecs: allCodecs},
	{Name: "kafka-python", Version: "3.0.12", Toolchain: Python, Codecs: allCodecs, Lacks: Lacks{NullHeaders: true}},
	{Name: "kafkajs", Version: "2.2.4", Toolchain: Node, Codecs: allCodecs, Lacks: Lacks{NullHeaders: true}},
	{
		// 2.x needs Node 22.22; this is the newest for Node 20. zstd is Node's own, from 22.15 on.
		Name: "platformatic-kafka", Version: "1.35.0", Toolchain: Node,
		Codecs: []string{"none", "gzip", "snappy", "lz4"}, OptionalCodecs: []string{"zstd"},
	},
	{Name: "franz-go", Version: "v1.22.2", Toolchain: Go, Codecs: allCodecs},
	{Name: "sarama", Version: "v1.61.1", Toolchain: Go, Codecs: allCodecs},
	{Name: "kafka-go", Version: "v0.4.51", Toolchain: Go, Codecs: allCodecs, Lacks: Lacks{ReadsEmptyAsNull: true}},
	{Name: "java-4.4", Version: "4.4.0", Toolchain: Java, Codecs: allCodecs},
	{Name: "java-4.3", Version: "4.3.1", Toolchain: Java, Codecs: allCodecs},
	{Name: "java-3.9", Version: "3.9.2", Toolchain: Java, Codecs: allCodecs},
}
