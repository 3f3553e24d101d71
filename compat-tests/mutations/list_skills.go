package mutations

// The scenarios of a client that has all skills.
const withSkills = "^TestClients$/^franz-go$/"

// skills are what not every client can ask for.
var skills = []Mutation{
	{
		Name: "large-refused", Breaks: "a topic may take larger batches than others",
		File: "server/api/produce_batch.go",
		Old:  `	if err := protocol.CheckBatch(batch); err != nil {`,
		New: `	if MUTATED && len(batch) > 1<<20 {
		return nil, protocol.ErrMessageTooLarge
	}
	if err := protocol.CheckBatch(batch); err != nil {`,
		Package: "clients", Run: withSkills + "^large$", Says: `franz-go \[produce .*reports: .*MESSAGE_TOO_LARGE`,
	},
	{
		Name: "seek-to-batch", Breaks: "a time leads into the batch that it lies in",
		File: "logstore/disk/lookup.go",
		Old:  `				found = logstore.TimestampOffset{Timestamp: at, Offset: offset, Epoch: b.LeaderEpoch()}`,
		New: `				found = logstore.TimestampOffset{Timestamp: at, Offset: offset, Epoch: b.LeaderEpoch()}
				if MUTATED {
					found.Offset = b.BaseOffset()
				}`,
		Package: "clients", Run: withSkills + "^seek$", Says: `since record \d+: the record \d+ is offset`,
	},
	{
		Name: "config-dropped", Breaks: "a setting that was altered is altered",
		File: "metadata/draft.go",
		Old:  `	if next := old.with(r.Name, r.Value); len(next) > 0 {`,
		New: `	if MUTATED && r.Name == "max.message.bytes" {
		return
	}
	if next := old.with(r.Name, r.Value); len(next) > 0 {`,
		Package: "clients", Run: withSkills + "^admin$", Says: `max.message.bytes: \d*, want 123456`,
	},
	{
		Name: "deletion-claimed", Breaks: "deleted records are gone",
		File: "server/api/delete_records.go",
		Old:  `	return partition.Log().DeleteBefore(offset)`,
		New: `	if MUTATED {
		return offset, nil
	}
	return partition.Log().DeleteBefore(offset)`,
		Package: "clients", Run: withSkills + "^admin$", Says: `the log's start: 0, want 2`,
	},
	{
		Name: "partitions-claimed", Breaks: "partitions that were added are there",
		File: "server/api/create_partitions.go",
		Old: `	for i, t := range q.Topics {
		if counts[t.Topic] < 0 {`,
		New: `	if MUTATED && len(problems) == 1 && problems[0] != nil && q.Topics[0].Count > 0 {
		problems[0], err = nil, nil
	}
	for i, t := range q.Topics {
		if counts[t.Topic] < 0 {`,
		Package: "clients", Run: withSkills + "^admin$", Says: `Do:partitions .* want a refusal`,
	},
}
