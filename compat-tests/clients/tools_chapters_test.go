package clients

// toolChapters are stories told with Kafka's command-line tools.
var toolChapters = []toolChapter{
	{name: "topics", steps: []toolStep{
		{command: "topics --create --topic orders --partitions 3 --config retention.ms=3600000"},
		{command: "topics --create --topic orders --partitions 3"}, // exists
		{command: "topics --create --topic orders --partitions 3 --if-not-exists"},
		{command: "topics --create --topic defaults"},
		{command: "topics --create --topic compacted --partitions 1 --replication-factor 1 --config cleanup.policy=compact"},
		{command: "topics --create --topic bad:name --partitions 1"},
		{command: "topics --create --topic bad-config --config retention.ms=soon"},
		{command: "topics --create --topic unknown-config --config no.such.setting=1"},
		{command: "topics --list"},
		{command: "topics --describe", sorted: true},
		{command: "topics --alter --topic orders --partitions 4"},
		{command: "topics --alter --topic orders --partitions 2"}, // fewer
		{command: "topics --describe --topic orders"},
		{command: "topics --describe --topic missing"},
		{command: "topics --describe --unavailable-partitions"},
		{command: "topics --delete --topic defaults"},
		{command: "topics --delete --topic missing"},
		{command: "topics --list"},
	}},
	{name: "records", steps: []toolStep{
		{command: "topics --create --topic events --partitions 2"},
		{command: "console-producer --topic events --reader-property parse.key=true --reader-property key.separator=:",
			stdin: "a:1\nb:2\nc:3\nd:4\na:5\nb:6\n"},
		{command: "console-producer --topic events --compression-codec zstd --reader-property parse.headers=true " +
			"--reader-property parse.key=true --reader-property null.marker=NULL", stdin: "h1:x,h2:y\te\t7\nh1:z\tf\tNULL\n"},
		{command: "get-offsets --topic events"},
		{command: "get-offsets --topic events --time earliest"},
		{command: "get-offsets --topic events --time max-timestamp"},
		{command: "get-offsets --topic events --time 0"},
		{command: "get-offsets --topic missing"},
		{command: "console-consumer --topic events --group readers --from-beginning --max-messages 8 " +
			"--formatter-property print.key=true --formatter-property print.headers=true " +
			"--formatter-property print.partition=true --formatter-property print.offset=true", sorted: true},
		{command: "console-consumer --topic events --partition 0 --offset 1 --max-messages 1 --formatter-property print.offset=true"},
		{command: "delete-records --offset-json-file FILE",
			file: `{"version":1,"partitions":[{"topic":"events","partition":0,"offset":2},{"topic":"events","partition":1,"offset":-1}]}`, sorted: true},
		{command: "get-offsets --topic events --time earliest"},
		{command: "console-consumer --topic events --partition 0 --offset earliest --max-messages 1 --formatter-property print.offset=true"},
		{command: "delete-records --offset-json-file FILE",
			file: `{"version":1,"partitions":[{"topic":"events","partition":0,"offset":1000}]}`}, // beyond the end
	}},
	{name: "groups", steps: []toolStep{
		{command: "topics --create --topic jobs --partitions 2"},
		{command: "topics --create --topic watched --partitions 3"},
		{command: "console-producer --topic jobs --reader-property parse.key=true --reader-property key.separator=:",
			stdin: "a:1\nb:2\nc:3\nd:4\ne:5\n"},
		{command: "console-consumer --topic jobs --group workers --from-beginning --max-messages 5", sorted: true},
		{command: "consumer-groups --list", sorted: true},
		{command: "consumer-groups --list --state", sorted: true},
		{command: "consumer-groups --describe --group workers", sorted: true},
		{command: "consumer-groups --describe --group workers --state"},
		{command: "consumer-groups --describe --group workers --members"},
		{command: "consumer-groups --describe --group missing"},
		{command: "consumer-groups --reset-offsets --group workers --topic jobs --to-earliest --dry-run", sorted: true},
		{command: "consumer-groups --reset-offsets --group workers --topic jobs:1 --shift-by -1 --execute"},
		{command: "consumer-groups --describe --group workers --offsets", sorted: true},
		{command: "consumer-groups --delete-offsets --group workers --topic jobs", sorted: true},
		{command: "consumer-groups --describe --group watchers --offsets", sorted: true, member: "watchers"},
		{command: "consumer-groups --describe --group watchers --members --verbose"},
		{command: "consumer-groups --describe --group watchers --state"},
		{command: "consumer-groups --reset-offsets --group watchers --topic watched --to-earliest --execute"}, // it has a member
		{command: "consumer-groups --delete --group watchers"},                                                // it has a member
		{command: "consumer-groups --delete --group workers"},
		{command: "consumer-groups --list", sorted: true},
	}},
	{name: "configs", steps: []toolStep{
		{command: "topics --create --topic tuned --partitions 1 --config segment.bytes=2097152"},
		{command: "configs --describe --entity-type topics --entity-name tuned"},
		{command: "configs --alter --entity-type topics --entity-name tuned --add-config retention.ms=1000,cleanup.policy=[compact,delete]"},
		{command: "configs --describe --entity-type topics --entity-name tuned"},
		{command: "configs --alter --entity-type topics --entity-name tuned --delete-config retention.ms"},
		{command: "configs --alter --entity-type topics --entity-name tuned --delete-config flush.ms"}, // not set
		{command: "configs --alter --entity-type topics --entity-name tuned --add-config retention.ms=soon"},
		{command: "configs --alter --entity-type topics --entity-name tuned --add-config no.such.setting=1"},
		{command: "configs --alter --entity-type topics --entity-name missing --add-config retention.ms=1000"},
		{command: "configs --describe --entity-type topics --entity-name tuned --all"},
		{command: "configs --describe --entity-type topics --entity-name missing"},
		{command: "configs --describe --entity-type brokers --entity-name 1"},
		{command: "configs --describe --entity-type brokers --entity-default"},
	}},
}
