package mutations

// Transactions of librdkafka, as most of the matrix has them.
const withTransactions = "^TestTransactions$/^confluent-kafka$/"

// transactions are what readers and successors of transactional producers see.
var transactions = []Mutation{
	{
		Name: "aborted-shown", Breaks: "readers of the committed do not see what was aborted",
		File: "server/api/fetch.go",
		Old:  `			for _, a := range aborted {`,
		New: `			if MUTATED {
				aborted = nil
			}
			for _, a := range aborted {`,
		Package: "clients", Run: withTransactions + "^commit-and-abort$", Says: `read_committed finds \[.*"no"`,
	},
	{
		Name: "open-shown", Breaks: "readers of the committed wait for open transactions",
		File:    "logstore/transactions.go",
		Old:     `	if len(x.open) > 0 {`,
		New:     `	if len(x.open) > 0 && !MUTATED {`,
		Package: "clients", Run: withTransactions + "^open$", Says: `readers of the committed stop at|the last stable offset is`,
	},
	{
		Name: "pending-offsets-count", Breaks: "offsets in a transaction count from its commit on",
		File:    "coordinator/group/apply.go",
		Old:     `	if p.ID == coordinator.NoProducer.ID {`,
		New:     `	if p.ID == coordinator.NoProducer.ID || MUTATED {`,
		Package: "clients", Run: withTransactions + "^offsets$", Says: `before the commit the group is at`,
	},
	{
		Name: "aborted-offsets-count", Breaks: "offsets in a transaction that is aborted never count",
		File:    "coordinator/group/apply.go",
		Old:     `		if commit {`,
		New:     `		if commit || MUTATED {`,
		Package: "clients", Run: withTransactions + "^offsets$", Says: `not within \S+: group offsets-of-transactions is at`,
	},
	{
		Name: "zombie-commits", Breaks: "a producer whose name another has taken cannot commit",
		File: "coordinator/txn/end.go",
		Old: `	if !isCurrent {
		return`,
		New: `	if !isCurrent && !MUTATED {
		return`,
		Package: "clients", Run: "^TestTransactions$/^java-4.3$/^zombie$", Says: `Do:commit .* is not refused`,
	},
	{
		Name: "no-timeout", Breaks: "a transaction that takes too long is aborted",
		File: "coordinator/txn/end.go",
		Old:  `	if m.needsID(t) {`,
		New: `	if MUTATED {
		return
	}
	if m.needsID(t) {`,
		Package: "clients", Run: withTransactions + "^timeout$", Says: `not within \S+: no transaction is open`,
	},
	{
		Name: "commits-aborted", Breaks: "a transaction that was committed is there",
		File:    "coordinator/txn/end.go",
		Old:     `		TransactionalID: t.id, Producer: t.producer, Commit: t.state == PrepareCommit,`,
		New:     `		TransactionalID: t.id, Producer: t.producer, Commit: t.state == PrepareCommit && !MUTATED,`,
		Package: "txnhistory", Run: "^TestKillInTransactions$/^barnabas_dev$", Says: `lost: all \d+ values of transaction`, Patience: killsTake,
	},
	{
		Name: "marker-missing", Breaks: "a transaction ends in all its partitions",
		File: "coordinator/txn/end.go",
		Old: `	m.reply(func(err error) {
		if err != nil { // the commit takes long; the timer asks again`,
		New: `	if MUTATED {
		work.Partitions = work.Partitions[:1]
	}
	m.reply(func(err error) {
		if err != nil { // the commit takes long; the timer asks again`,
		Package: "clients", Run: "^TestTransactions$/^java-4.3$/^commit-and-abort$", Says: `read_committed finds .* in partition 1|no transaction is open`,
	},
}
