package config

// The names of the settings that other settings' treatment depends on.
const (
	keyInsecureIgnore = "barnabas.insecure.ignore"
	keyDurability     = "barnabas.durability"
	keyClamp          = "barnabas.replication.clamp"
	keyPersona        = "barnabas.persona"
	keyAdvertised     = "barnabas.advertised"
)

// barnabasKeys: what Kafka has no setting for. Where Kafka has one, it is used.
var barnabasKeys = []Key{
	{Name: "barnabas.access.denied.lines.max", Type: TypeInt, Default: "10", Valid: "[0,...]", Effect: Acts, Doc: "How many lines a second the log has of what was denied to clients, of one principal at most half of what others have left; the others are counted."},
	{Name: keyAdvertised, Type: TypeString, Default: "auto", Valid: "[auto, hostname]", Effect: Acts, Doc: "What clients of a listener on every interface are told while advertised.listeners says nothing: auto, localhost when they come from the default gateway (the host behind a container's port mapping), 127.0.0.1 when they come from the address that they reached, and else the address that they reached; hostname, the machine's name, as Kafka."},
	{Name: "barnabas.ballast.bytes", Type: TypeLong, Default: "8388608", Valid: "[0,...]", Effect: Acts, Doc: "Room that a file keeps on the data volume, at most a 32nd of it, for commits, metadata and deletions once the disk is full."},
	{Name: "barnabas.batch.decompressed.max.bytes", Type: TypeInt, Default: "134217728", Valid: "[1048576,...]", Effect: Acts, Doc: "Largest size to which one record batch may decompress. Batches of more than 8 MiB are unpacked one at a time; with a zstd window beyond 8 MiB (levels 20 to 22) producers may send 32 MiB at most."},
	{Name: "barnabas.connection.handshake.timeout.ms", Type: TypeInt, Default: "10000", Valid: "[1,...]", Effect: Acts, Doc: "Longest TLS handshake; a connection that takes longer is closed."},
	{Name: "barnabas.connection.lines.max", Type: TypeInt, Default: "10", Valid: "[0,...]", Effect: Acts, Doc: "How many lines a second the log has of connections whose login or handshake failed, of those that broke off, and of those that were too many: of each, and of one address at most half of what others have left. The others are counted."},
	{Name: "barnabas.connection.replies.max", Type: TypeInt, Default: "256", Valid: "[1,...]", Effect: Acts, Doc: "Requests of one connection that may wait for their answers; then no more are read."},
	{Name: "barnabas.connection.write.timeout.ms", Type: TypeInt, Default: "30000", Valid: "[1,...]", Effect: Acts, Doc: "A connection whose client takes nothing for this long is closed."},
	{Name: keyControl, Type: TypeBoolean, Default: "false", Effect: Acts, Doc: "For tests: POST /control/reset and /control/faults on the HTTP port wipe the broker and make requests fail."},
	{Name: "barnabas.coordinator.queue.max", Type: TypeInt, Default: "10000", Valid: "[1,...]", Effect: Acts, Doc: "Requests that may wait for one coordinator shard; more are told to come again."},
	{Name: "barnabas.durability", Type: TypeString, Default: "sync", Valid: "[sync, cached]", Effect: Acts, Doc: "When a write counts as done: sync when it is on the disk, cached when the operating system has it."},
	{Name: "barnabas.fetch.conversion.max.bytes", Type: TypeInt, Default: "4194304", Valid: "[65536,...]", Effect: Acts, Doc: "Records, before compression, that one answer to a Fetch below version 4 converts to the old message formats; the client comes again for the rest."},
	{Name: "barnabas.group.metadata.max.bytes", Type: TypeInt, Default: "1048576", Valid: "[1024,...]", Effect: Acts, Doc: "Largest metadata or assignment of one group member."},
	{Name: "barnabas.group.regex.max.bytes", Type: TypeInt, Default: "1024", Valid: "[1,...]", Effect: Acts, Doc: "Longest pattern to which a consumer may subscribe."},
	{Name: keyHTTPListen, Type: TypeString, Effect: Acts, Doc: "The host:port that serves /health/live, /health/ready and /metrics; empty for none. Only a loopback address is taken, unless barnabas.http.public is true."},
	{Name: "barnabas.http.pprof", Type: TypeBoolean, Default: "false", Effect: Acts, Doc: "Serve Go's profiles below /debug/pprof/ on the HTTP port."},
	{Name: keyHTTPPublic, Type: TypeBoolean, Default: "false", Effect: Acts, Doc: "Let barnabas.http.listen be an address that other machines can reach; nobody has to log in there."},
	{Name: "barnabas.insecure.ignore", Type: TypeBoolean, Default: "false", Effect: Acts, Doc: "Start although settings ask for protection that Barnabas cannot give yet."},
	{Name: "barnabas.metrics.compat", Type: TypeList, Default: "jmx", Valid: "[jmx, kafka_exporter]", Effect: Acts, Doc: "Whose names /metrics uses: jmx for those of Kafka's own metrics by way of the JMX exporter, kafka_exporter for those of that exporter, with the lag of every group."},
	{Name: "barnabas.open.files.max", Type: TypeInt, Default: "4096", Valid: "[16,...]", Effect: Acts, Doc: "Log files that are held open at once."},
	{Name: keyPersona, Type: TypeString, Valid: "[kafka-2.8, kafka-3.9, kafka-4.3] or empty", Effect: Acts, Doc: "The Kafka whose API versions and features clients meet; empty for all that there are. listener.name.NAME.barnabas.persona is for one listener."},
	{Name: "barnabas.record.validation", Type: TypeString, Default: "records", Valid: "[records, header]", Effect: Acts, Doc: "How closely a produced batch is looked at: records walks every record as Kafka does, header trusts the body."},
	{Name: "barnabas.replication.clamp", Type: TypeBoolean, Default: "false", Effect: Acts, Doc: "Accept a replication factor or min.insync.replicas above the number of brokers and serve with what there is."},
	{Name: "barnabas.request.decoded.max.bytes", Type: TypeInt, Default: "33554432", Valid: "[1048576,...]", Effect: Acts, Doc: "Memory that one decoded request may take, Produce and Fetch aside."},
	{Name: "barnabas.request.memory.max.bytes", Type: TypeLong, Default: "268435456", Valid: "[1048576,...]", Effect: Acts, Doc: "Memory that requests under way may hold together while queued.max.request.bytes is -1."},
	{Name: "barnabas.request.partitions.max", Type: TypeInt, Default: "100000", Valid: "[1,...,131072]", Effect: Acts, Doc: "Partitions that one Produce or Fetch may name, and one request that is answered for each of them (ListOffsets, elections, reassignments, moves, the quorum)."},
	{Name: "barnabas.request.preauth.max.bytes", Type: TypeInt, Default: "65536", Valid: "[1024,...]", Effect: Acts, Doc: "Largest request of a connection that still has to log in."},
	{Name: keyJAASFile, Type: TypeString, Effect: Acts, Doc: "A JAAS file of Kafka's: the login modules of its section LISTENER.KafkaServer, in small letters, or else KafkaServer, are those of the mechanisms of listeners for which there is no sasl.jaas.config. Without it the file of -Djava.security.auth.login.config= in the variable KAFKA_OPTS."},
	{Name: "barnabas.ssl.reload.interval.ms", Type: TypeInt, Default: "10000", Valid: "[0,...]", Effect: Acts, Doc: "How often the files of key stores and trust stores are looked at; changed ones are used for new connections. 0 leaves that to kafka-configs.sh."},
	{Name: "barnabas.stop.timeout.ms", Type: TypeInt, Default: "5000", Valid: "[0,...]", Effect: Acts, Doc: "How long a stop waits for requests under way."},
	{Name: "barnabas.sync.interval.ms", Type: TypeInt, Default: "100", Valid: "[1,...]", Doc: "Does nothing any more: with durability sync, every batch joins the next commit at once."},
	{Name: "barnabas.wal.file.bytes", Type: TypeLong, Default: "67108864", Valid: "[1048576,...]", Effect: Acts, Doc: "Size of a file of the write-ahead log, at most a 16th of the data volume."},
	{Name: "barnabas.wal.files.max", Type: TypeInt, Default: "4", Valid: "[1,...]", Effect: Acts, Doc: "Files of the write-ahead log; while all wait for segments to be synced, commits sync segments themselves."},
}
