package config

// groupResourceKeys: settings of single groups.
var groupResourceKeys = []Key{
	{Name: "consumer.assignment.interval.ms", Type: TypeInt, Default: "1000", Valid: "[0,...]", Synonyms: []Synonym{{"group.consumer.assignment.interval.ms", 1}}, Effect: Acts, Doc: "Shortest time between two new assignments of this consumer group."},
	{Name: "consumer.heartbeat.interval.ms", Type: TypeInt, Default: "5000", Valid: "[1,...]", Synonyms: []Synonym{{"group.consumer.heartbeat.interval.ms", 1}}, Effect: Acts, Doc: "Heartbeat interval that members of this consumer group are told."},
	{Name: "consumer.session.timeout.ms", Type: TypeInt, Default: "45000", Valid: "[1,...]", Synonyms: []Synonym{{"group.consumer.session.timeout.ms", 1}}, Effect: Acts, Doc: "A member of this consumer group that is silent for this long is removed."},
	{Name: "share.assignment.interval.ms", Type: TypeInt, Default: "1000", Valid: "[0,...]", Synonyms: []Synonym{{"group.share.assignment.interval.ms", 1}}, Effect: Acts, Doc: "Shortest time between two new assignments of this share group."},
	{Name: "share.auto.offset.reset", Type: TypeString, Default: "latest", Valid: validOffsetReset, Doc: "Where a share group begins in a partition that it has not read."},
	{Name: "share.delivery.count.limit", Type: TypeInt, Default: "5", Valid: "[2,...]", Synonyms: []Synonym{{"group.share.delivery.count.limit", 1}}, Doc: "How often a record is delivered to this share group before it is given up."},
	{Name: "share.heartbeat.interval.ms", Type: TypeInt, Default: "5000", Valid: "[1,...]", Synonyms: []Synonym{{"group.share.heartbeat.interval.ms", 1}}, Effect: Acts, Doc: "Heartbeat interval that members of this share group are told."},
	{Name: "share.isolation.level", Type: TypeString, Default: "read_uncommitted", Valid: "[read_committed, read_uncommitted]", Doc: "Whether this share group sees records of open and aborted transactions."},
	{Name: "share.partition.max.record.locks", Type: TypeInt, Default: "2000", Valid: "[100,...]", Synonyms: []Synonym{{"group.share.partition.max.record.locks", 1}}, Doc: "Records of a share partition that may be out for delivery to this group at once."},
	{Name: "share.record.lock.duration.ms", Type: TypeInt, Default: "30000", Valid: "[1000,...]", Synonyms: []Synonym{{"group.share.record.lock.duration.ms", 1}}, Doc: "How long a member of this share group may hold a record."},
	{Name: "share.renew.acknowledge.enable", Type: TypeBoolean, Default: "true", Doc: "Let members of this share group extend the time that they hold a record."},
	{Name: "share.session.timeout.ms", Type: TypeInt, Default: "45000", Valid: "[1,...]", Synonyms: []Synonym{{"group.share.session.timeout.ms", 1}}, Effect: Acts, Doc: "A member of this share group that is silent for this long is removed."},
	{Name: "streams.assignment.interval.ms", Type: TypeInt, Default: "1000", Valid: "[0,...]", Synonyms: []Synonym{{"group.streams.assignment.interval.ms", 1}}, Doc: "Shortest time between two new assignments of this streams group."},
	{Name: "streams.heartbeat.interval.ms", Type: TypeInt, Default: "5000", Valid: "[1,...]", Synonyms: []Synonym{{"group.streams.heartbeat.interval.ms", 1}}, Doc: "Heartbeat interval that members of this streams group are told."},
	{Name: "streams.initial.rebalance.delay.ms", Type: TypeInt, Default: "3000", Valid: "[0,...]", Synonyms: []Synonym{{"group.streams.initial.rebalance.delay.ms", 1}}, Doc: "How long the first assignment of this streams group waits for more members."},
	{Name: "streams.num.standby.replicas", Type: TypeInt, Default: "0", Valid: "[0,...]", Synonyms: []Synonym{{"group.streams.num.standby.replicas", 1}}, Doc: "Standby copies of each task of this streams group."},
	{Name: "streams.session.timeout.ms", Type: TypeInt, Default: "45000", Valid: "[1,...]", Synonyms: []Synonym{{"group.streams.session.timeout.ms", 1}}, Doc: "A member of this streams group that is silent for this long is removed."},
}
