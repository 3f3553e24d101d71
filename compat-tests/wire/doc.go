// Package wire speaks the Kafka protocol one frame at a time, for tests that
// judge a broker.
//
// It shares no code with the broker: requests are encoded by kmsg or by hand,
// record batches by the builder here, so that a mistake of the broker's own
// encoder cannot hide itself. Everything that a decent client would refuse to
// send can be sent: any header version, wrong lengths, wrong checksums.
//
//	Conn     one connection: Send, Receive, Call, and raw Write
//	Batch    a record batch whose every header field can be overridden
//	Message  one message of the two formats before magic 2
//
// A Conn belongs to one goroutine, except that one may send while another
// receives.
package wire
