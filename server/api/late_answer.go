package api

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// lateAnswer is the answer to a request that may come while its handler runs or
// later, from any goroutine. The request's frame is reused meanwhile: byte slices
// must have been copied.
type lateAnswer struct {
	header  protocol.Header
	refusal *refusal

	mu     sync.Mutex
	body   answerBody     // nil until it is given
	ticket *server.Ticket // nil until the request is parked
}

func newLateAnswer(r *Request) *lateAnswer {
	return &lateAnswer{header: r.Header, refusal: r.refusal}
}

// reusedBody is an answerBody whose memory is used again. It is told once it has been
// appended and nobody needs it any more: lateAnswer itself may be a part of it.
type reusedBody interface{ reuse() }

// give is called once. Body is appended once at most, which may be before give returns,
// and by another goroutine, and may be gone with that.
func (l *lateAnswer) give(body answerBody) {
	if message, ok := body.(kmsg.Response); ok {
		message.SetVersion(l.header.Version)
	}
	if l.refusal != nil {
		body = l.withRefusal(body)
	}
	l.mu.Lock()
	l.body = body
	ticket := l.ticket
	l.mu.Unlock()
	if ticket != nil {
		ticket.Reply(l.encode)
	}
}

// withRefusal puts into the body what a fault refuses.
func (l *lateAnswer) withRefusal(body answerBody) kmsg.Response {
	message, ok := body.(kmsg.Response)
	if !ok {
		message = kmsg.ResponseForKey(l.header.Key)
		message.SetVersion(l.header.Version)
		err := message.ReadFrom(body.AppendTo(nil))
		invariant.Check(err == nil, "reading our own answer to API key %d version %d: %v", l.header.Key, l.header.Version, err)
	}
	l.refusal.putInto(message)
	return message
}

// settle is called when the handler has returned: an answer that is there leaves
// at once, and the request is parked only for one that is not.
func (l *lateAnswer) settle(r *Request) {
	l.mu.Lock()
	body := l.body
	l.mu.Unlock()
	if body != nil {
		l.append(r.Call.Out(), body)
		return
	}
	ticket := r.Call.Park() // without the lock: it may wait for the peer
	l.mu.Lock()
	l.ticket = ticket
	body = l.body
	l.mu.Unlock()
	if body != nil {
		ticket.Reply(l.encode)
	}
}

func (l *lateAnswer) encode(out *server.Out) { l.append(out, l.body) }

// append ends the life of a body that is reused, and of l with it. A refusal has put
// another in its place, and leaves it to the collector.
func (l *lateAnswer) append(out *server.Out, body answerBody) {
	appendAnswer(out, l.header, body)
	if reused, ok := body.(reusedBody); ok {
		reused.reuse()
	}
}
