// Package attack is an attacker's hour in a minute: everything that a peer without rights,
// or with few, can do to a broker at its doors, all at once.
//
// The attackers are a process of their own (this test binary, started again), with a low
// priority: in life they are other machines, whose processors are not the broker's.
//
//	test process                               attackers (plan on the environment)
//	  broker: PLAINTEXT, SSL, SASL_SSL,          handshakes that are never finished, held open
//	    SASL_PLAINTEXT, with an authorizer       raids (raids.go), all at once
//	  a decent client: writes a record and       a line of JSON for each that has ended
//	    reads it, round by round, all the time
//
// Each raid judges the answers that it gets: who has no right is refused, by Kafka's code or
// by the end of the connection. Judged by the test are life, memory, what is left when all is
// over (goroutines, files, memory), and the log, which must have neither a panic nor a
// password. How much slower the decent client's rounds were is printed; -judge judges that as
// well, on a machine that has nothing else to do. -full has the numbers of the acceptance:
// 5,000 handshakes, 100,000 failed logins.
package attack
