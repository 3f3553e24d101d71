package mutations

// again are changes of the other lists that the scenarios of clients must notice as well.
var again = []Mutation{
	{
		Name: "limit-ignored-for-clients", Like: "limit-ignored", Breaks: "a client hears that its record is too large",
		Package: "clients", Run: withSkills + "^large$", Says: `reports no error`,
	},
	{
		// A member with the eager protocol sees every rebalance.
		Name: "static-rebalances-for-clients", Like: "static-rebalances", Breaks: "nobody hears of a static member that comes back",
		Package: "clients", Run: "^TestClients$/^sarama$/^static$", Says: `it has seen a rebalance`,
	},
	{
		Name: "ack-moved-for-clients", Like: "ack-moved", Breaks: "what was acknowledged is where the client was told, also after a kill",
		Package: "clients", Run: withSkills + "^restart$", Says: `was acknowledged at `,
	},
	{
		Name: "partitions-not-added-for-tools", Like: "partitions-not-added", Breaks: "what a tool administers is done",
		Package: "clients", Run: "^TestTools$/^topics$", Says: `(?s)topics --alter .*prints \(- kafka`,
	},
	{
		Name: "commits-forgotten-in-rebalances", Like: "commits-forgotten", Breaks: "after a kill of the broker a group goes on where it has committed",
		Package: "clients", Run: "^TestRebalances$/^franz-go-classic$", Says: `which was committed up to`, Patience: 2 * sessionTakes,
	},
	{
		Name: "aborted-shown-on-the-way", Like: "aborted-shown", Breaks: "a chain of transactions passes each record on once",
		Package: "clients", Run: withTransactions + "^transform$", Says: `read_committed finds|partition \d of the output`,
	},
}
