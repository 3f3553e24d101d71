package grouptools

// clusterChapters are of what belongs to the node, its users and its replicas.
var clusterChapters = []chapter{
	quotaChapter, userChapter, replicaChapter, quorumChapter, securityChapter,
}

func configure(arguments string) step { return run("configs " + arguments) }

var quotaChapter = chapter{
	name: "quotas",
	steps: []step{
		configure("--describe --entity-type users"),
		configure("--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1024,consumer_byte_rate=2048"),
		configure("--alter --entity-type users --entity-default --add-config request_percentage=12.5"),
		configure("--alter --entity-type users --entity-name alice --entity-type clients --entity-name app --add-config producer_byte_rate=10"),
		configure("--alter --entity-type users --entity-default --entity-type clients --entity-default --add-config controller_mutation_rate=0.5"),
		configure("--alter --entity-type clients --entity-name app --add-config producer_byte_rate=11"),
		configure("--alter --entity-type clients --entity-default --add-config consumer_byte_rate=12"),
		configure("--alter --entity-type ips --entity-name 127.0.0.1 --add-config connection_creation_rate=13"),
		configure("--alter --entity-type ips --entity-default --add-config connection_creation_rate=14"),
		configure("--alter --user bob --add-config producer_byte_rate=15"),
		configure("--alter --client tool --add-config producer_byte_rate=16"),
		configure("--alter --ip 10.0.0.1 --add-config connection_creation_rate=17"),
		{command: "configs --describe --ip 10.0.0.1", until: "connection_creation_rate=17"},
		configure("--describe --entity-type users"),
		configure("--describe --entity-type users --entity-name alice"),
		configure("--describe --entity-type users --entity-default"),
		configure("--describe --entity-type users --entity-name alice --entity-type clients --entity-name app"),
		configure("--describe --entity-type users --entity-type clients"),
		configure("--describe --entity-type users --entity-default --entity-type clients --entity-default"),
		configure("--describe --entity-type clients"),
		configure("--describe --entity-type clients --entity-default"),
		configure("--describe --entity-type ips"),
		configure("--describe --entity-type ips --entity-name 127.0.0.1"),
		configure("--describe --entity-type ips --entity-default"),
		configure("--describe --user bob"),
		configure("--describe --client-defaults"),
		configure("--describe --user-defaults"),
		configure("--describe --entity-type users --entity-name nobody"),
		configure("--alter --entity-type users --entity-name alice --add-config producer_byte_rate=0"),
		configure("--alter --entity-type users --entity-name alice --add-config producer_byte_rate=1.5"),
		configure("--alter --entity-type users --entity-name alice --add-config nonsense=1"),
		configure("--alter --entity-type ips --entity-name 127.0.0.1 --add-config producer_byte_rate=1"),
		configure("--alter --entity-type users --entity-name nobody --delete-config producer_byte_rate"),
		configure("--alter --entity-type users --entity-name alice --delete-config producer_byte_rate,consumer_byte_rate"),
		configure("--alter --entity-type users --entity-default --delete-config request_percentage"),
		configure("--alter --entity-type users --entity-name alice --entity-type clients --entity-name app --delete-config producer_byte_rate"),
		configure("--alter --entity-type users --entity-default --entity-type clients --entity-default --delete-config controller_mutation_rate"),
		configure("--alter --entity-type clients --entity-name app --delete-config producer_byte_rate"),
		configure("--alter --entity-type clients --entity-default --delete-config consumer_byte_rate"),
		configure("--alter --entity-type ips --entity-name 127.0.0.1 --delete-config connection_creation_rate"),
		configure("--alter --entity-type ips --entity-default --delete-config connection_creation_rate"),
		configure("--alter --user bob --delete-config producer_byte_rate"),
		configure("--alter --client tool --delete-config producer_byte_rate"),
		configure("--alter --ip 10.0.0.1 --delete-config connection_creation_rate"),
	},
}

var userChapter = chapter{
	name: "SCRAM users",
	steps: []step{
		configure("--alter --entity-type users --entity-name alice --add-config SCRAM-SHA-256=[iterations=8192,password=alice-secret]"),
		configure("--alter --entity-type users --entity-name alice --add-config SCRAM-SHA-512=[password=alice-secret]"),
		configure("--alter --user bob --add-config SCRAM-SHA-512=[password=bob-secret],producer_byte_rate=100"),
		configure("--alter --user bob --add-config SCRAM-SHA-512=[password=bob-secret]"),
		configure("--alter --user bob --add-config SCRAM-SHA-256=[password=bob-secret],SCRAM-SHA-512=[password=bob-secret]"),
		{command: "configs --describe --user bob", until: "SCRAM-SHA-512"},
		configure("--describe --entity-type users --entity-name alice"),
		configure("--describe --entity-type users"),
		configure("--describe --user bob"),
		configure("--describe --user nobody"),
		configure("--alter --user carol --add-config SCRAM-SHA-256=[iterations=100,password=secret]"),
		configure("--alter --user carol --add-config SCRAM-SHA-256=[iterations=100000,password=secret]"),
		configure("--alter --user carol --add-config SCRAM-SHA-1=[password=secret]"),
		configure("--alter --user carol --delete-config SCRAM-SHA-256"),
		configure("--alter --user alice --delete-config SCRAM-SHA-256"),
		configure("--alter --user alice --delete-config SCRAM-SHA-512"),
		configure("--alter --user bob --delete-config SCRAM-SHA-512"),
	},
}

var replicaChapter = chapter{
	name:   "replicas",
	topics: []topic{{name: "moved", partitions: 2}},
	files: map[string]string{
		"elect.json":   `{"partitions": [{"topic": "moved", "partition": 0}, {"topic": "moved", "partition": 1}]}`,
		"nowhere.json": `{"partitions": [{"topic": "nowhere", "partition": 0}]}`,
		"topics.json":  `{"topics": [{"topic": "moved"}], "version": 1}`,
		"same.json":    `{"version": 1, "partitions": [{"topic": "moved", "partition": 0, "replicas": [1], "log_dirs": ["any"]}]}`,
		"other.json":   `{"version": 1, "partitions": [{"topic": "moved", "partition": 0, "replicas": [2]}]}`,
		"unknown.json": `{"version": 1, "partitions": [{"topic": "nowhere", "partition": 0, "replicas": [1]}]}`,
	},
	steps: []step{
		run("leader-election --election-type preferred --path-to-json-file @elect.json"),
		run("leader-election --election-type unclean --path-to-json-file @elect.json"),
		run("leader-election --election-type preferred --path-to-json-file @nowhere.json"),
		run("leader-election --election-type preferred --all-topic-partitions"),
		run("leader-election --election-type preferred --topic moved --partition 1"),
		run("leader-election --election-type preferred --topic moved --partition 9"),
		run("reassign-partitions --list"),
		run("reassign-partitions --generate --topics-to-move-json-file @topics.json --broker-list 1"),
		run("reassign-partitions --execute --reassignment-json-file @same.json"),
		run("reassign-partitions --verify --reassignment-json-file @same.json"),
		run("reassign-partitions --execute --reassignment-json-file @other.json"),
		// To verify that one the tool looks for the other broker, for a minute.
		run("reassign-partitions --execute --reassignment-json-file @unknown.json"),
		run("reassign-partitions --verify --reassignment-json-file @unknown.json"),
		run("reassign-partitions --cancel --reassignment-json-file @same.json"),
		{command: "log-dirs --describe --topic-list moved", until: "moved-1"},
		run("log-dirs --describe --topic-list moved"),
		run("log-dirs --describe --topic-list nowhere --broker-list 1"),
		run("log-dirs --describe --broker-list 7"),
	},
}

var quorumChapter = chapter{
	name: "the quorum",
	steps: []step{
		run("metadata-quorum describe --status"),
		run("metadata-quorum describe --replication"),
		run("metadata-quorum remove-controller --controller-id 1 --controller-directory-id AAAAAAAAAAEAAAAAAAAAAg"),
		run("cluster cluster-id"),
		run("cluster unregister --id 77"),
		run("cluster list-endpoints"),
	},
}

var securityChapter = chapter{
	name:  "without an authorizer",
	files: map[string]string{"client.properties": "client.id=tokens\n"},
	steps: []step{
		run("acls --list"),
		run("acls --list --topic moved"),
		run("acls --add --allow-principal User:alice --operation Read --topic moved"),
		run("acls --remove --allow-principal User:alice --operation Read --topic moved --force"),
		run("delegation-tokens --create --max-life-time-period -1 --command-config @client.properties"),
		run("delegation-tokens --describe --command-config @client.properties"),
		run("delegation-tokens --renew --renew-time-period -1 --hmac ABCD --command-config @client.properties"),
		run("delegation-tokens --expire --expiry-time-period -1 --hmac ABCD --command-config @client.properties"),
	},
}
