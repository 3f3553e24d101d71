// Package quota says how much clients may use, and how long one waits that has used more.
// It is arithmetic alone: the time comes in by parameter, and nothing waits here.
//
//	Limits    what is allowed to whom, with Kafka's precedence; immutable
//	Clients   what has been used by whom, under the present Limits
//	Rate      a sum over the last samples of time, for bytes, processor time, connections
//	Bucket    tokens that come back with time, for changes of topics
//
// The arithmetic is Kafka's, sample for sample (Rate and SampledStat, TokenBucket,
// QuotaUtils, ClientQuotaManager), so that a client is told the same throttle time.
//
// What is remembered is bounded: of a client that has been silent for a whole window
// nothing is worth keeping, and of more clients than Kafka's users have, those are
// forgotten early that have used the least (accountsMax).
//
// Who throttles is elsewhere: server/api charges requests, server holds connections back.
package quota
