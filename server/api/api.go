package api

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group"
	"github.com/barnabas-mq/barnabas/coordinator/share"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/internal/heavy"
	"github.com/barnabas-mq/barnabas/internal/metrics"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/quota"
	"github.com/barnabas-mq/barnabas/server"
)

// Rooms are what the handlers call. The broker hands them over.
type Rooms struct {
	// Config gives the present settings; a handler asks once per request.
	Config func() *config.Broker
	// SettingsFit tells what speaks against altered settings of the broker although each is
	// legal, the files that they name for instance; nil for nothing ever.
	SettingsFit  func(*config.Broker) error
	Metadata     *metadata.Store
	Partitions   *partition.Set
	Groups       *group.Coordinator
	Transactions Transactions
	// Shares are the share partitions that members fetch from.
	Shares *share.Leader
	// GroupSettings are the present settings of a group.
	GroupSettings func(groupID string) config.Group
	// NewProducerID gives an id that nobody had before. It may block.
	NewProducerID func() (protocol.ProducerID, error)
	// WriteMarkers ends a transaction in partitions that exist. done hears once what
	// became of each, in order, from any goroutine.
	WriteMarkers func(m coordinator.Marker, partitions []txn.TopicPartition, done func([]error))
	Cluster      ClusterView
	// Volume tells the room of the data directory's volume in bytes; nil when
	// nobody knows.
	Volume func() (free, total uint64, err error)
	Clock  clock.Clock
	Log    *slog.Logger
	// LookUpHost gives an error for a name that has no address, and when ctx ends.
	// Without it no name has one.
	LookUpHost func(ctx context.Context, name string) error
	// LogLevel is what Log writes from; nil when clients may not change it.
	LogLevel *slog.LevelVar
	// Timers count how long requests take, by API key; nil when nobody asks.
	Timers *Timers
	// FailedProduce and FailedFetch count the partitions that were answered with an error.
	FailedProduce, FailedFetch *metrics.Counter
	// Logins are the ways in of a listener, nil where nobody has to log in; without it,
	// nowhere.
	Logins func(listener string) *Logins
	// Principal tells who the client of a connection is before any login, by its
	// certificate; without it, nobody in particular. An error ends the connection.
	Principal func(c *server.Conn) (auth.Principal, error)
	// Access decides who may do what; without it, everybody may do everything.
	Access *Access
	// Tokens are how delegation tokens are handed out; without it, there are none.
	Tokens *Tokens
	// Faults are the requests that fail on command; nil for none ever.
	Faults *fault.Set
	// Quotas are what clients may use and have used; nil without limits ever.
	Quotas *quota.Clients
	// Heavy has the turns in which batches are decompressed; nil for turns of the API's own.
	Heavy *heavy.Turns
}

// Timers are histograms by API key.
type Timers [highestKey + 1]metrics.Histogram

// highestKey is of all that are served.
const highestKey = 92

// ClusterView is what a connection's client sees of the cluster. Only here can one
// process look like several brokers; records always name the one real node.
type ClusterView interface {
	// Brokers lists the brokers with the addresses that this client can reach them at.
	Brokers(c *server.Conn) []Endpoint
	// Self is the broker that the connection's listener belongs to.
	Self(c *server.Conn) Endpoint
}

// Endpoint is a broker's address for one client.
type Endpoint struct {
	NodeID int32
	Host   string
	Port   int32
	Rack   *string
}

// API runs requests. It implements server.Handler.
type API struct {
	Rooms
	views    map[string]func() *view // by persona
	sessions *sessionCache
	// shareSessions are those of members of share groups.
	shareSessions *shareSessions
	// converting lets old clients have half of the processors at once: whatever they
	// read or write, the others keep their speed.
	converting chan struct{}
	// unpacking has a place for every processor, for batches that are decompressed, because
	// decoders are large. The work itself is done in turns: Heavy.
	unpacking chan struct{}
	// unpackingMuch has one place, for what decompresses to much or is held meanwhile.
	unpackingMuch chan struct{}
	policies      policies
	allTopics     allTopics
}

// New makes the API over the rooms.
func New(rooms Rooms) *API {
	if rooms.FailedProduce == nil {
		rooms.FailedProduce, rooms.FailedFetch = new(metrics.Counter), new(metrics.Counter)
	}
	processors := runtime.GOMAXPROCS(0)
	if rooms.Heavy == nil {
		rooms.Heavy = heavy.New(processors)
	}
	a := &API{Rooms: rooms, converting: make(chan struct{}, max(processors/2, 1))}
	a.unpacking, a.unpackingMuch = make(chan struct{}, processors), make(chan struct{}, 1)
	a.sessions = newSessionCache(rooms.Clock, func() int { return rooms.Config().FetchSessionSlots })
	a.shareSessions = newShareSessions(func() int { return rooms.Config().ShareSessionsMax })
	a.views = newViews()
	return a
}

// Peer is what the handlers remember of a connection.
type Peer struct {
	view     *view // what its listener shows
	gate     *gate // nil where nobody has to log in
	who      auth.Principal
	stranger error        // why nobody knows who it is
	grants   *grants      // nil without an authorizer
	software string       // the client's name for itself (KIP-511), "" when it has not said
	mayUse   *quota.Grant // nil before anybody was limited
	request  Request      // reused by requests that are answered at once
	produce  *produceCall // reused by Produce, nil while the log still holds the last one
	fetch    *fetchCall   // reused by Fetch, nil before the first
	putOff   putOff       // by Produce in transactions
	commits  committer
	shares   peerShares
}

// Opened implements server.Handler.
func (a *API) Opened(c *server.Conn) any {
	p := &Peer{view: a.viewOf(c.Listener.Persona), gate: a.newGate(c)}
	a.greet(p, c)
	return p
}

// Closed implements server.Handler.
func (a *API) Closed(c *server.Conn) { a.endShareSessions(c.State.(*Peer)) }

// Serve implements server.Handler.
func (a *API) Serve(call *server.Call) error {
	peer := call.Conn.State.(*Peer)
	if peer.stranger != nil {
		return &server.LoginError{Reason: peer.stranger.Error()}
	}
	r := &peer.request
	r.Call, r.Peer, r.charge, r.decodedMax = call, peer, nil, a.Config().RequestDecodedBytesMax
	if g := peer.gate; g != nil && g.awaitsBare(r) {
		return g.bareToken(a, r)
	}
	body, err := r.Header.Parse(call.Frame)
	if err != nil {
		return fmt.Errorf("reading a request header: %w", err)
	}
	r.Body = body
	if peer.gate != nil {
		if served, err := peer.gate.pass(a, r); served || err != nil {
			return err
		}
	}
	e := peer.view.entry(r.Header.Key)
	switch {
	case e == nil:
		return peer.view.refuse(&r.Header)
	case r.Header.Version >= e.min && r.Header.Version <= e.max:
	case e.key == protocol.KeyApiVersions:
		a.answerUnsupportedApiVersions(r)
		return nil
	default:
		return peer.view.refuse(&r.Header)
	}
	if a.Timers != nil {
		call.Time(&a.Timers[e.key])
	}
	if a.Quotas.IsLimiting() {
		r.charge = a.chargeOf(r)
	}
	if a.Faults.Active() {
		err = a.serveFaulty(e, r)
	} else {
		err = e.serve(a, r)
	}
	r.charge.rest()
	if err != nil {
		return fmt.Errorf("%s version %d from client %.64q: %w", e.name, r.Header.Version, r.Header.ClientID, err)
	}
	return nil
}

// Request is one request as a handler sees it. It is reused for the connection's
// next request: a handler that answers later keeps only what Later gave it.
type Request struct {
	Call   *server.Call
	Header protocol.Header
	Body   []byte
	Peer   *Peer

	decodedMax int      // barnabas.request.decoded.max.bytes
	refusal    *refusal // what of the request a fault refuses; nil nearly always
	charge     *charge  // what it costs a client that is limited; nil for all others
}

// Answer sends a response now.
func (r *Request) Answer(response kmsg.Response) {
	appendResponse(r.Call.Out(), r.Header, response)
}

// flush sends the answers that are complete before the handler does something that takes
// time. How long the client lets that take is not this request's time.
func (r *Request) flush() error { return r.charge.resting(r.Call.Wait) }

// enter takes one of so many places, which whoever called it leaves by receiving. Should all
// be taken, the answers that are complete do not wait for one, and the time is not this
// request's. A peer that is gone shows later.
func (r *Request) enter(places chan struct{}) {
	select {
	case places <- struct{}{}:
		return
	default:
	}
	_ = r.charge.resting(func() error {
		_ = r.Call.Wait()
		places <- struct{}{}
		return nil
	})
}

// beginAnswer begins the answer to a request with the header that belongs to it,
// and gives the buffer to append the body to.
func beginAnswer(out *server.Out, h protocol.Header) []byte {
	out.Begin()
	return protocol.AppendResponseHeader(out.Bytes(), h.Key, h.Version, h.CorrelationID)
}

func appendResponse(out *server.Out, h protocol.Header, response kmsg.Response) {
	response.SetVersion(h.Version)
	appendAnswer(out, h, response)
}

// answerBody is the body of an answer in the version of its request. kmsg.Response is one.
type answerBody interface {
	AppendTo(dst []byte) []byte
}

func appendAnswer(out *server.Out, h protocol.Header, body answerBody) {
	out.SetBytes(body.AppendTo(beginAnswer(out, h)))
	out.End()
}
