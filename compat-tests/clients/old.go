package clients

// The message formats of old: 0 is a key and a value, 1 has a timestamp too (KIP-32, Kafka 0.10).
var (
	formatZero = Lacks{Headers: true, Timestamps: true}
	formatOne  = Lacks{Headers: true}
)

// without adds what the row lacks beside its message format.
func (l Lacks) without(more func(*Lacks)) Lacks {
	more(&l)
	return l
}

// oldClients speak the protocol as it was, because they are old or because they are told that the broker is.
var oldClients = append(oldJava, append(oldBelievers, []Client{
	{
		Name: "kafka-python-1.4", Version: "1.4.7", Toolchain: Python, Codecs: oldCodecs,
		Lacks: Lacks{NullHeaders: true},
	},
	{
		Name: "kafkajs-1.16", Folder: "kafkajs", Locks: "kafkajs-1.16", Version: "1.16.0", Toolchain: Node, Codecs: allCodecs,
		Lacks: Lacks{NullHeaders: true, DoubledHeaders: true},
	},
}...)...)

var oldJava = []Client{
	{
		// The newer one of its two producers, and its simple consumer; there are no groups without ZooKeeper.
		Name: "java-0.8.2", Folder: "java-0.8.2", Locks: "java-0.8.2", Version: "0.8.2.2", Toolchain: Java, Codecs: oldCodecs, Old: true,
		Lacks: formatZero.without(func(l *Lacks) { l.Admin, l.Groups = true, true }),
	},
	{
		Name: "java-0.8.2-scala", Folder: "java-0.8.2", Locks: "java-0.8.2", Settings: "producer=scala",
		Version: "0.8.2.2", Toolchain: Java, Codecs: oldCodecs, Old: true,
		Lacks: formatZero.without(func(l *Lacks) { l.Admin, l.Groups = true, true }),
	},
	{
		Name: "java-0.9", Folder: "java-old java-old/plain", Version: "0.9.0.1", Toolchain: Java, Codecs: oldCodecs, Old: true,
		Lacks: formatZero.without(func(l *Lacks) { l.Admin = true }),
	},
	{
		Name: "java-0.10.2", Folder: "java-old java-old/timestamps", Version: "0.10.2.2", Toolchain: Java, Codecs: oldCodecs, Old: true,
		Lacks: formatOne.without(func(l *Lacks) { l.Admin = true }),
	},
	{Name: "java-0.11", Folder: "java-old java-old/headers", Version: "0.11.0.3", Toolchain: Java, Codecs: oldCodecs, Old: true},
	{Name: "java-1.1", Folder: "java-old java-old/headers", Version: "1.1.1", Toolchain: Java, Codecs: oldCodecs, Old: true},
	{Name: "java-2.0", Folder: "java-old java-old/headers", Version: "2.0.1", Toolchain: Java, Codecs: oldCodecs, Old: true},
	{
		Name: "java-2.8", Folder: "java java/before-3.1", Version: "2.8.2", Toolchain: Java, Codecs: allCodecs,
		Can: []Skill{Large, Seek, Static, Stream}, Admin: allAdmin,
	},
}

// oldBelievers are new libraries that do not ask for the broker's versions but believe what they are told. With librdkafka a
// broker of 0.10 and later is asked all the same.
var oldBelievers = []Client{
	believingKcat("0.8.2", true, formatZero.without(func(l *Lacks) { l.Groups, l.Commits = true, true })),
	believingKcat("0.9.0", true, formatZero),
	believingKcat("0.10.0", false, Lacks{HeadersPerRecord: true}),
	believingConfluent("0.8.2", true, formatZero.without(func(l *Lacks) { l.Admin, l.Groups, l.Commits = true, true, true })),
	believingConfluent("0.9.0", true, formatZero.without(func(l *Lacks) { l.Admin = true })),
	believingConfluent("0.10.0", false, Lacks{}),
	{
		Name: "sarama-0.8.2", Folder: "sarama", Settings: "version=0.8.2.0", Version: "v1.61.1", Toolchain: Go, Old: true,
		// The library neither writes nor reads the lz4 of format 0, whose checksum is another.
		Codecs: []string{"none", "gzip", "snappy"},
		Lacks:  formatZero.without(func(l *Lacks) { l.Admin, l.Groups, l.Commits = true, true, true }),
	},
	{
		Name: "sarama-0.10.2", Folder: "sarama", Settings: "version=0.10.2.0", Version: "v1.61.1", Toolchain: Go, Old: true,
		Codecs: oldCodecs, Lacks: formatOne,
	},
	{Name: "sarama-2.0", Folder: "sarama", Settings: "version=2.0.0", Version: "v1.61.1", Toolchain: Go, Old: true, Codecs: oldCodecs},
	{Name: "sarama-2.8", Folder: "sarama", Settings: "version=2.8.0", Version: "v1.61.1", Toolchain: Go, Codecs: allCodecs},
}

func believingKcat(broker string, old bool, lacks Lacks) Client {
	return Client{
		Name: "kcat-" + broker, Folder: "kcat", Settings: believe(broker), Version: "1.7.1", Toolchain: Debian, Codecs: oldCodecs, Old: old,
		Lacks: lacks.without(func(l *Lacks) { l.EmptyValues, l.OwnTimestamps = true, true }),
		// kcat has no admin requests: the broker makes its topic when it asks for metadata.
		BrokerProperties: map[string]string{"num.partitions": "3"},
	}
}

func believingConfluent(broker string, old bool, lacks Lacks) Client {
	return Client{
		Name: "confluent-kafka-" + broker, Folder: "confluent-kafka", Settings: believe(broker), Version: "2.16.1", Toolchain: Python,
		Codecs: oldCodecs, Old: old, Lacks: lacks,
	}
}

// believe are the properties of librdkafka for a broker that cannot be asked.
func believe(broker string) string {
	return "api.version.request=false broker.version.fallback=" + broker
}
