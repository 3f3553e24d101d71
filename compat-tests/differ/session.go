package differ

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// Session tells one story to one broker and keeps the transcript. Its methods
// stop the story (by panic, recovered by the runner) when the dialogue cannot go
// on; the transcript up to there is compared all the same.
type Session struct {
	// Version of the API under test.
	Version int16
	// Base is a moment in the past, the same for both brokers, so that record
	// timestamps compare exactly.
	Base int64

	// Choose, if set, gives the versions of the APIs for the next request.
	Choose func(key int16) int16

	key     int16
	prefix  string
	address string
	dial    func(address, peer string) (*wire.Conn, error) // as Pair.Dial
	catalog *schema.Catalog
	peers   map[string]*Peer
	began   time.Time

	transcript []exchange
}

// Peer is one connection of a story. The first is made on demand; stories with
// several clients name theirs.
type Peer struct {
	session *Session
	name    string
	conn    *wire.Conn
}

// errStopped ends a story early.
var errStopped = errors.New("the story cannot go on")

// Stop ends the story: the dialogue cannot go on.
func (s *Session) Stop(format string, args ...any) {
	panic(fmt.Errorf("%w: %s", errStopped, fmt.Sprintf(format, args...)))
}

// Topic is a topic name of this story alone.
func (s *Session) Topic(name string) string { return s.prefix + name }

// Group is a group id of this story alone.
func (s *Session) Group(name string) string { return s.prefix + name }

// Peer is a connection by name.
func (s *Session) Peer(name string) *Peer {
	p := s.peers[name]
	if p == nil {
		p = &Peer{session: s, name: name}
		s.peers[name] = p
	}
	return p
}

// Ask sends a request on the first connection, records the answer and returns
// it. A broker that does not answer ends the story.
func (s *Session) Ask(label string, req kmsg.Request) kmsg.Response {
	return s.Peer("").Ask(label, req)
}

// Try is Ask for requests that may go unanswered; it returns nil then.
func (s *Session) Try(label string, req kmsg.Request) kmsg.Response {
	return s.Peer("").Try(label, req)
}

// Quiet sends a request that is not part of the comparison.
func (s *Session) Quiet(req kmsg.Request) kmsg.Response { return s.Peer("").Quiet(req) }

// settleTimeout bounds what a broker may do behind an answer already given
// (applying metadata, electing a coordinator).
const settleTimeout = 20 * time.Second

// Until repeats a request until its answer satisfies done, and records nothing.
// Only for effects that Kafka itself shows with a delay.
func (s *Session) Until(req kmsg.Request, done func(kmsg.Response) bool) kmsg.Response {
	return s.Peer("").Until(req, done)
}

// Frame sends raw bytes as one request and records what comes back. The answer
// is decoded as the given API and version; flexible tells its header.
func (s *Session) Frame(label string, frame []byte, key, version int16, flexible bool) {
	p := s.Peer("")
	if err := p.connection().Write(frame); err != nil {
		s.Stop("%s: %v", label, err)
	}
	w := &pending{peer: p, label: label, key: key, version: version, flexible: flexible, frame: frame, correlation: -1}
	w.finish()
}

// versionOf is the version that requests of an API have in this run.
func (s *Session) versionOf(key int16) int16 {
	if s.Choose != nil {
		return s.Choose(key)
	}
	if key == s.key {
		return s.Version
	}
	return newest(s.catalog, key)
}

// Newest is the highest version of an API that judge and encoder have.
func (s *Session) Newest(key int16) int16 { return newest(s.catalog, key) }

// prepare sets the version of a request.
func (s *Session) prepare(req kmsg.Request) { req.SetVersion(s.versionOf(req.Key())) }

func (s *Session) close() {
	for _, p := range s.peers {
		p.drop()
	}
}

// Ask sends a request, records the answer and returns it.
func (p *Peer) Ask(label string, req kmsg.Request) kmsg.Response {
	return p.Begin(label, req).Finish()
}

// Try is as Session.Try; racing are fields as of pending.Racing.
func (p *Peer) Try(label string, req kmsg.Request, racing ...string) kmsg.Response {
	return p.Begin(label, req).Racing(racing...).finish()
}

// Quiet is as Session.Quiet.
func (p *Peer) Quiet(req kmsg.Request) kmsg.Response {
	p.session.prepare(req)
	resp, err := p.connection().Call(req)
	if err != nil {
		p.session.Stop("%s: %v", kmsg.NameForKey(req.Key()), err)
	}
	return resp
}

// Until is as Session.Until.
func (p *Peer) Until(req kmsg.Request, done func(kmsg.Response) bool) kmsg.Response {
	deadline := time.Now().Add(settleTimeout)
	for {
		resp := p.Quiet(req)
		if done(resp) {
			return resp
		}
		if time.Now().After(deadline) {
			p.session.Stop("%s does not settle: %+v", kmsg.NameForKey(req.Key()), resp)
		}
	}
}

// Begin sends a request whose answer is awaited later.
func (p *Peer) Begin(label string, req kmsg.Request) *pending {
	s := p.session
	s.prepare(req)
	correlation, err := p.connection().Send(req)
	if err != nil {
		s.Stop("%s: %v", label, err)
	}
	frame := wire.EncodeRequest(req, correlation, nil)
	return &pending{peer: p, label: label, key: req.Key(), version: req.GetVersion(), flexible: req.IsFlexible(), frame: frame, correlation: correlation, req: req}
}

// SendOnly sends a request that has no answer (acks=0).
func (p *Peer) SendOnly(label string, req kmsg.Request) {
	w := p.Begin(label, req)
	p.session.record(exchange{label: w.label, request: w.describe(), outcome: "not awaited"})
}

// connection dials on demand.
func (p *Peer) connection() *wire.Conn {
	if p.conn == nil {
		dial := p.session.dial
		if dial == nil {
			dial = func(address, _ string) (*wire.Conn, error) { return wire.Dial(address) }
		}
		conn, err := dial(p.session.address, p.name)
		if err != nil {
			p.session.Stop("dial: %v", err)
		}
		p.conn = conn
	}
	return p.conn
}

func (p *Peer) drop() {
	if p.conn != nil {
		_ = p.conn.Close() // the dialogue is over
		p.conn = nil
	}
}

// pending is a request on its way.
type pending struct {
	peer         *Peer
	label        string
	key, version int16
	flexible     bool
	frame        []byte
	correlation  int32 // -1: not checked
	req          kmsg.Request
	racing       []string
}

// Racing names the fields of the answer that depend on which of two requests on
// their way at once Kafka takes first: they are not compared.
func (w *pending) Racing(fields ...string) *pending {
	w.racing = fields
	return w
}

// Finish awaits the answer, records and returns it.
func (w *pending) Finish() kmsg.Response {
	resp := w.finish()
	if resp == nil {
		w.peer.session.Stop("no usable answer to %q", w.label)
	}
	return resp
}

// finish is Finish that returns nil when there is no answer.
func (w *pending) finish() kmsg.Response {
	s := w.peer.session
	x := exchange{label: w.label, api: kmsg.NameForKey(w.key), asked: version{w.key, w.version}, request: w.describe(), racing: w.racing}
	if q, ok := w.req.(*kmsg.FetchRequest); ok && len(q.Topics) > 0 && len(q.Topics[0].Partitions) > 0 {
		x.from = q.Topics[0].Partitions[0].FetchOffset
	}
	body, err := w.await()
	switch {
	case wire.IsClosed(err):
		x.outcome = "connection closed"
	case wire.IsTimeout(err):
		x.outcome = "no answer"
	case err != nil:
		x.outcome = "broken answer: " + err.Error()
	}
	if err != nil {
		w.peer.drop()
		s.record(x)
		return nil
	}
	x.outcome = "answer"
	if x.answer, err = s.catalog.Response(w.key).Decode(w.version, body); err != nil {
		x.outcome = "undecodable answer: " + err.Error()
	}
	s.record(x)
	if w.req == nil {
		return nil
	}
	resp, err := wire.DecodeBody(w.req, body)
	if err != nil {
		s.Stop("%s: %v", w.label, err)
	}
	return resp
}

func (w *pending) await() ([]byte, error) {
	correlation, rest, err := w.peer.conn.Receive()
	if err != nil {
		return nil, err
	}
	if w.correlation >= 0 && correlation != w.correlation {
		return nil, fmt.Errorf("answer to correlation id %d where %d is due", correlation, w.correlation)
	}
	return wire.StripResponseHeader(w.key, w.flexible, rest)
}

// describe is the request for a person: decoded if it can be.
func (w *pending) describe() string {
	name := kmsg.NameForKey(w.key)
	if message := w.peer.session.catalog.Request(w.key); message != nil && w.req != nil {
		if tree, err := message.Decode(w.version, w.req.AppendTo(nil)); err == nil {
			return fmt.Sprintf("%s v%d %s", name, w.version, schema.Render(tree))
		}
	}
	return fmt.Sprintf("%s v%d, frame %s", name, w.version, schema.Render(w.frame))
}
