// Package rotation has credentials and certificates exchanged while clients run: nobody sees
// an error who has what counts, and what no longer counts lets nobody in.
//
// Eight clients of three libraries write a record and read it, round by round: four log in by
// SCRAM over TLS, four show a certificate. Half of each keep their connections from the
// beginning to the end, and so what they came in with; the others end them every few rounds
// and come again with the credential of that moment. No request may fail and no connection
// may be lost: there are no retries.
//
//	worker --- Link (franz-go, sarama, kafka-go) --- round, round, ... --- count --- test waits
//	             ^ credential of the moment
package rotation
