package clients

import "regexp"

// byNature are the settings that differ between two brokers: addresses, folders,
// the listener of Kafka's controller, our own, and what the test beds and the
// profile choose.
var byNature = regexp.MustCompile(`^  (barnabas\.|advertised\.listeners|listeners|listener\.security|controller\.(listener|quorum\.voters)|log\.dirs?=|` +
	`process\.roles|node\.id|broker\.id|group\.initial\.rebalance|socket\.send\.buffer|(group\.)?consumer\.(min\.)?(assignment|heartbeat)\.interval|` +
	`(offsets|share|transaction)[a-z.]*(replication\.factor|min\.isr))`)

const brokers, allBrokers = " --entity-type brokers --entity-name 1", " --entity-type brokers --entity-default"

// configChapters are stories told with kafka-configs alone.
var configChapters = []toolChapter{
	{name: "configs of brokers", steps: []toolStep{
		{command: "configs --describe --all" + brokers, without: byNature},
		{command: "configs --describe" + brokers},
		{command: "configs --describe" + allBrokers},
		{command: "configs --describe --all" + allBrokers},
		{command: "configs --alter --add-config log.cleaner.threads=2,log.cleanup.policy=[compact,delete]" + brokers},
		{command: "configs --alter --add-config message.max.bytes=2000000,max.connections.per.ip.overrides=[127.0.0.2:5,127.0.0.3:6]" + allBrokers},
		{command: "configs --describe" + brokers},
		{command: "configs --describe" + allBrokers},
		{command: "configs --alter --add-config-file FILE" + brokers, file: "log.retention.ms=1000000\nnum.io.threads=9\n"},
		{command: "configs --alter --add-config listener.name.plaintext.max.connections=1000" + brokers},
		{command: "configs --describe" + brokers},
		{command: "configs --alter --add-config log.dirs=x" + brokers},                                                                 // read-only
		{command: "configs --alter --add-config listeners=PLAINTEXT://:1" + allBrokers},                                                // per broker
		{command: "configs --alter --add-config num.io.threads=100" + brokers, without: regexp.MustCompile("InvalidRequestException")}, // too many at once; Kafka wraps one text in another
		{command: "configs --alter --add-config log.retention.ms=soon" + brokers},
		{command: "configs --alter --delete-config no.such.setting" + brokers},
		{command: "configs --alter --delete-config log.retention.ms,num.io.threads,listener.name.plaintext.max.connections,log.cleaner.threads,log.cleanup.policy" + brokers},
		{command: "configs --alter --delete-config message.max.bytes,max.connections.per.ip.overrides" + allBrokers},
		{command: "configs --describe" + brokers},
		{command: "configs --describe" + allBrokers},
		{command: "configs --describe --entity-type brokers --entity-name 99"},
		{command: "configs --alter --add-config num.io.threads=9 --entity-type brokers --entity-name 99"},
		{command: "configs --describe --entity-type brokers", sorted: true},
	}},
	{name: "configs of loggers", steps: []toolStep{
		{command: "configs --alter --add-config root=INFO --entity-type broker-loggers --entity-name 1"},
		{command: "configs --alter --add-config root=LOUD --entity-type broker-loggers --entity-name 1"},
		{command: "configs --alter --add-config no.such.logger=INFO --entity-type broker-loggers --entity-name 1"},
		{command: "configs --alter --delete-config root --entity-type broker-loggers --entity-name 1"},
		{command: "configs --alter --add-config root=INFO --entity-type broker-loggers --entity-name 99"},
		{command: "configs --alter --add-config root=ERROR --entity-type broker-loggers --entity-name 1"},
		{command: "configs --describe --entity-type broker-loggers --entity-name 1", without: regexp.MustCompile(`^  ([a-z]+\.|[A-Z]|kafka|state)`)},
		{command: "configs --alter --add-config root=WARN --entity-type broker-loggers --entity-name 1"},
	}},
	{name: "configs of groups", steps: []toolStep{
		{command: "configs --describe --all --entity-type groups --entity-name tuned", without: byNature},
		{command: "configs --alter --add-config consumer.session.timeout.ms=50000,share.auto.offset.reset=earliest --entity-type groups --entity-name tuned"},
		{command: "configs --describe --entity-type groups --entity-name tuned"},
		{command: "configs --describe --entity-type groups"},
		{command: "configs --alter --add-config consumer.session.timeout.ms=1 --entity-type groups --entity-name tuned"},
		{command: "configs --alter --add-config no.such.setting=1 --entity-type groups --entity-name tuned"},
		{command: "configs --alter --delete-config consumer.session.timeout.ms,share.auto.offset.reset --entity-type groups --entity-name tuned"},
		{command: "configs --describe --entity-type groups --entity-name tuned"},
	}},
	{name: "configs of client metrics", steps: []toolStep{
		{command: "configs --describe --all --entity-type client-metrics --entity-name watch"},
		{command: "configs --alter --add-config interval.ms=10000,metrics=[org.apache.kafka,x.y],match=[client_id=a.*,client_source_port=9.*] " +
			"--entity-type client-metrics --entity-name watch"},
		{command: "configs --describe --entity-type client-metrics --entity-name watch"},
		{command: "configs --describe --entity-type client-metrics"},
		{command: "configs --alter --add-config interval.ms=1 --entity-type client-metrics --entity-name watch"},
		{command: "configs --alter --add-config match=nobody --entity-type client-metrics --entity-name watch"},
		{command: "configs --alter --delete-config interval.ms,metrics,match --entity-type client-metrics --entity-name watch"},
		{command: "configs --describe --entity-type client-metrics --entity-name watch"},
	}},
}
