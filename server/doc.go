// Package server owns sockets: it accepts connections, cuts the byte stream
// into frames, hands each frame to a Handler and sends the answers in request
// order. It knows nothing of Kafka's requests beyond the length in front.
//
// One goroutine per connection reads, executes and writes:
//
//	read ──> every complete frame ──> Handler.Serve ──> one write
//	                                      │
//	                                      └─ Call.Park ──> queue ──> writer ──> socket
//
// A call that must wait for someone else is parked: the connection goes on with
// its next request, and the answer is given later through the Ticket, from any
// goroutine. While answers are parked, one writer goroutine per connection,
// started on first need, owns all its writes. Completing a ticket only marks it
// and signals that writer, so whoever completes it never touches a socket.
//
// A connection that waits for a request holds no buffer and, at first, a goroutine with
// the smallest stack (rest.go). Short transfers to and from a socket are made without
// the scheduler's knowledge, since they never wait (transport_linux.go).
//
// Promises: answers leave in request order; a peer costs at most the bytes it
// really sent (buffers grow with what arrives); a slow reader stops being read
// from; nothing that a peer sends ends the process.
package server
