// Package access holds what Barnabas's authorizer lets through and refuses against what
// Apache Kafka's StandardAuthorizer does with the same rules.
//
// Both brokers have the same users (SASL/PLAIN), topics, groups and transactions
// (room.go). A set of rules, drawn at random, is imposed on both; then users send
// requests of every API that both serve, drawn at random as well: some of what exists,
// some of what does not, in any version. Answers are compared by package differ, field by
// field: which code, of the whole or of one item, which items are listed, which
// operations are said to be allowed.
//
//	seed --> rules, cases --> Session of differ on Kafka    --> transcript --.
//	                      '-> Session of differ on Barnabas --> transcript --+-> []Diff
//
// Beside the random cases there are stories of what is subtle. No story says what is
// right: Kafka does.
//
// What is allowed is done, so a case must leave both brokers as it found them. It asks
// for a dry run where the API has one, or for what fails behind the authorizer (a member
// who is unknown, a producer who is), or it changes what is put back after it (topics and
// groups made to be deleted, rules), or it changes both alike and at once (records,
// committed offsets). What cannot be had in this way is told by stories alone:
//
//   - Metadata that creates topics: they are made behind the answer;
//   - heartbeats and joins that let a member in: assignments are computed behind the answer;
//   - what a share fetch gives, which depends on what was fetched before: cases and stories
//     read a partition that is not there, or have a session that nothing was given in;
//   - versions that Kafka 4 does not serve: there is no judge (3.9 is not asked here).
package access
