package mutations

const listedByTime = differ + "^list_offsets$/^by_time_and_keyword$/^v10$"

// answers are what requests are answered with.
var answers = []Mutation{
	{
		Name: "time-one-off", Breaks: "a time leads to the first record that is not older",
		File:    "logstore/disk/lookup.go",
		Old:     `			if at >= t && offset >= start {`,
		New:     `			if (at > t || at == t && !MUTATED) && offset >= start {`,
		Package: "differ", Run: listedByTime, Says: `--- FAIL: .*list_offsets/by_time_and_keyword`,
	},
	{
		Name: "time-of-segments", Breaks: "a time leads to the first segment that reaches it",
		File:    "logstore/disk/lookup.go",
		Old:     `			if newest.timestamp < t {`,
		New:     `			if newest.timestamp < t || MUTATED && newest.timestamp == t {`,
		Package: "differ", Run: listedByTime, Says: `--- FAIL: .*list_offsets/by_time_and_keyword`,
	},
	{
		Name: "append-time-unset", Breaks: "with LogAppendTime a record has the time at which it came",
		File: "server/api/produce_batch.go",
		Old: `	if policy.TimestampAppendTime {
		largest = c.now`,
		New: `	if policy.TimestampAppendTime && !MUTATED {
		largest = c.now`,
		Package: "differ", Run: differ + "^list_offsets$/^log_append_time$/^v10$", Says: `--- FAIL: .*list_offsets/log_append_time`,
	},
	{
		Name: "key-lost", Breaks: "a record in an old format has its key",
		File: "protocol/downconvert.go",
		Old:  `	s.last, s.largest = offset, max(`,
		New: `	if MUTATED {
		key = nil
	}
	s.last, s.largest = offset, max(`,
		Package: "clients", Run: "^TestEachReadsWhatEveryoneWrote$/^(write|read)$/^sarama-0.10.2$", Says: `offset \d+: key is null, want`,
	},
	{
		Name: "partitions-not-added", Breaks: "CreatePartitions adds partitions",
		File:    "server/api/create_partitions.go",
		Old:     `			if problems[i] = err; err == nil {`,
		New:     `			if problems[i] = err; err == nil && !MUTATED {`,
		Package: "differ", Run: differ + "^create_partitions$/^every_way$/^v3$", Says: `--- FAIL: .*create_partitions/every_way`,
	},
	{
		Name: "records-not-deleted", Breaks: "deleted records are not read any more",
		File: "logstore/disk/txn.go",
		Old:  `	l.start.Store(int64(start))`,
		New: `	if MUTATED {
		start--
	}
	l.start.Store(int64(start))`,
		Package: "differ", Run: differ + "^delete_records$/^every_way$/^v2$", Says: `--- FAIL: .*delete_records/every_way`,
	},
}
