package api

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/auth/sasl"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// Logins are the ways in of a listener with SASL.
type Logins struct {
	// Mechanisms are what the listener offers (sasl.enabled.mechanisms).
	Mechanisms []string
	// Begin begins an exchange of one of them.
	Begin func(mechanism string) sasl.Exchange
	// ReauthMax is connections.max.reauth.ms by mechanism, 0 for none.
	ReauthMax map[string]time.Duration
	// FailureDelay is connection.failed.authentication.delay.ms.
	FailureDelay time.Duration
	// FrameBytesMax bounds a request of who has not logged in, and Patience the time that a
	// login may take.
	FrameBytesMax int
	Patience      time.Duration
}

// gate stands before the handlers of a connection whose listener has SASL. It lets
// nothing through but what a login is made of, until one has succeeded. The order of
// requests is that of Kafka's SaslServerAuthenticator, which answers one that does not
// belong to it only in the place of a token, and then ends the connection. With every
// new stage it tells the connection what frames may come.
type gate struct {
	logins    *Logins
	stage     gateStage
	mechanism string
	exchange  sasl.Exchange
	// bare: tokens come without a request around.
	bare bool
	// who is in, once somebody is; a later login must be of the same (KIP-368).
	who      auth.Principal
	through  string        // the mechanism of who
	lifetime time.Duration // 0 for ever
	expires  time.Duration // on the monotonic clock, where there is a lifetime
	// again says that somebody who is in has begun another login, the last time at againAt.
	again   bool
	againAt time.Duration
}

type gateStage int

const (
	gateFirst     gateStage = iota // as gateHello, or a token of GSSAPI
	gateHello                      // ApiVersions or SaslHandshake
	gateHandshake                  // SaslHandshake
	gateToken                      // the client's next token
	gateOpen
	gateShut // it failed, and the connection ends
)

// reauthPause is the least time between two further logins of a connection (KafkaChannel).
const reauthPause = time.Second

// newGate is nil for a listener without SASL.
func (a *API) newGate(c *server.Conn) *gate {
	if a.Rooms.Logins == nil {
		return nil
	}
	logins := a.Rooms.Logins(c.Listener.Name)
	if logins == nil {
		return nil
	}
	c.ExpectLogin(logins.FrameBytesMax, logins.Patience)
	return &gate{logins: logins}
}

// gssapiTag begins the first token of GSSAPI (RFC 2743, section 3.1). No request begins so: an
// API key would be above 24,575.
const gssapiTag = 0x60

// awaitsBare tells whether a frame is a token by itself: after a handshake of version 0, or as the
// first of all and without a handshake, which is how clients of Kafka 0.9 and Sarama up to 1.46.0
// begin with GSSAPI (SaslServerAuthenticator.handleKafkaRequest).
func (g *gate) awaitsBare(r *Request) bool {
	if g.stage == gateFirst {
		g.stage = gateHello
		if frame := r.Call.Frame; len(frame) > 0 && frame[0] == gssapiTag && slices.Contains(g.logins.Mechanisms, sasl.GSSAPI) {
			g.begin(r, sasl.GSSAPI, true)
		}
	}
	return g.stage == gateToken && g.bare
}

// begin begins the exchange of a mechanism.
func (g *gate) begin(r *Request, mechanism string, bare bool) {
	g.mechanism, g.exchange, g.stage, g.bare = mechanism, g.logins.Begin(mechanism), gateToken, bare
	if bare {
		r.Call.Conn.ExpectTokens(g.logins.FrameBytesMax)
	}
}

// pass serves what belongs to a login, and tells whether that was all. What it has not
// served is for the handlers: the client is in.
func (g *gate) pass(a *API, r *Request) (served bool, err error) {
	key := kmsg.Key(r.Header.Key)
	switch {
	case g.stage == gateOpen:
		return g.passOpen(a, r, key)
	case g.stage == gateHello && key == kmsg.ApiVersions:
		return true, g.hello(a, r)
	case g.stage <= gateHandshake && key == kmsg.SASLHandshake:
		return true, g.handshake(a, r)
	case g.stage == gateToken && key == kmsg.SASLAuthenticate:
		return true, g.token(a, r)
	}
	reason := fmt.Sprintf("a request of key %d came before the login was complete; set security.protocol=SASL_PLAINTEXT or SASL_SSL in the client", r.Header.Key)
	if e := r.Peer.view.entry(r.Header.Key); g.stage == gateToken && e != nil && r.Header.Version >= e.min && r.Header.Version <= e.max {
		return true, g.outOfOrder(a, r, reason)
	}
	return true, &server.LoginError{Reason: reason}
}

// outOfOrder answers what comes in the place of a token; before a handshake Kafka answers
// nothing.
func (g *gate) outOfOrder(a *API, r *Request, reason string) error {
	q, err := decode[kmsg.Request](r)
	if err != nil {
		return err
	}
	return g.fail(a, r, reason, func() { r.Answer(refusedAnswer(q, protocol.ErrIllegalSASLState, false)) })
}

// passOpen is for who has logged in: whose login has not expired goes through, and may
// log in anew where logins expire. Elsewhere the handlers refuse that.
func (g *gate) passOpen(a *API, r *Request, key kmsg.Key) (served bool, err error) {
	if g.lifetime == 0 {
		return false, nil
	}
	now := a.Clock.Monotonic()
	if key == kmsg.SASLHandshake && (!g.again || now-g.againAt >= reauthPause) {
		g.again, g.againAt = true, now
		return true, g.handshake(a, r)
	}
	if now >= g.expires {
		return true, server.ErrHangUp // the client does not know of lifetimes, and comes again
	}
	return false, nil
}

// hello serves ApiVersions. One that asks in a way that is not served may ask again.
func (g *gate) hello(a *API, r *Request) error {
	e := r.Peer.view.entry(r.Header.Key)
	if r.Header.Version < e.min || r.Header.Version > e.max {
		a.answerUnsupportedApiVersions(r)
		return nil
	}
	if err := e.serve(a, r); err != nil {
		return err
	}
	if r.Peer.software != "" || r.Header.Version < apiVersionsFeatures {
		g.stage = gateHandshake
	}
	return nil
}

// handshake chooses a mechanism.
func (g *gate) handshake(a *API, r *Request) error {
	if v := r.Header.Version; v < saslHandshake.min || v > saslHandshake.max {
		return r.Peer.view.refuse(&r.Header)
	}
	q, err := decode[*kmsg.SASLHandshakeRequest](r)
	if err != nil {
		return err
	}
	p := q.ResponseKind().(*kmsg.SASLHandshakeResponse)
	p.SupportedMechanisms = g.logins.Mechanisms
	if !slices.Contains(g.logins.Mechanisms, q.Mechanism) {
		p.ErrorCode = protocol.ErrUnsupportedSASLMechanism.Code
		return g.fail(a, r, fmt.Sprintf("the client asks for the SASL mechanism %.32q; the listener offers %q", q.Mechanism, g.logins.Mechanisms), func() { r.Answer(p) })
	}
	g.begin(r, q.Mechanism, r.Header.Version == 0)
	r.Answer(p)
	return nil
}

// token serves SaslAuthenticate.
func (g *gate) token(a *API, r *Request) error {
	if v := r.Header.Version; v < saslAuthenticate.min || v > saslAuthenticate.max {
		return r.Peer.view.refuse(&r.Header)
	}
	q, err := decode[*kmsg.SASLAuthenticateRequest](r)
	if err != nil {
		return err
	}
	p := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	answer, err := g.step(a, r, q.SASLAuthBytes)
	if end := g.unanswered(err); end != nil {
		return end
	}
	if err != nil {
		text := g.words(err)
		p.ErrorCode, p.ErrorMessage = protocol.ErrSASLAuthenticationFailed.Code, &text
		return g.fail(a, r, g.reason(err), func() { r.Answer(p) })
	}
	p.SASLAuthBytes = answer
	if g.stage == gateOpen {
		p.SessionLifetimeMillis = g.lifetime.Milliseconds()
	}
	r.Answer(p)
	return nil
}

// bareToken serves a token that is a frame by itself. A login that fails is answered by
// the end of the connection.
func (g *gate) bareToken(a *API, r *Request) error {
	answer, err := g.step(a, r, r.Call.Frame)
	if end := g.unanswered(err); end != nil {
		return end
	}
	if err != nil {
		return g.fail(a, r, g.reason(err), nil)
	}
	if answer == nil { // GSSAPI has no last answer, and a client that waits for none would take it for another
		return nil
	}
	out := r.Call.Out()
	out.Begin()
	out.SetBytes(append(out.Bytes(), answer...))
	out.End()
	return nil
}

// unanswered is the end of a connection whose client may well come in when it tries again, nil
// for any other. It has guessed nothing, and neither waits nor counts as a login that failed.
func (g *gate) unanswered(err error) error {
	if errors.Is(err, auth.ErrBearerUndecided) {
		return server.ErrHangUp
	}
	var failure *sasl.Failure
	if errors.As(err, &failure) && failure.Unanswered {
		return &server.UnansweredError{Reason: failure.Reason}
	}
	return nil
}

// words are what a client is told of a login that failed.
func (g *gate) words(err error) string {
	var failure *sasl.Failure
	if errors.As(err, &failure) && failure.Text != "" {
		return failure.Text
	}
	what := "authentication"
	if g.again {
		what = "re-authentication"
	}
	return "Authentication failed during " + what + " due to invalid credentials with SASL mechanism " + g.mechanism
}

// reason is what the log says of a login that failed.
func (g *gate) reason(err error) string {
	var failure *sasl.Failure
	if errors.As(err, &failure) && failure.Reason != "" {
		return failure.Reason
	}
	return g.words(err)
}

// step gives the mechanism a token, and lets the client in when it was the last.
func (g *gate) step(a *API, r *Request, token []byte) ([]byte, error) {
	if g.again && g.mechanism != g.through {
		return nil, &sasl.Failure{Text: fmt.Sprintf("SASL mechanism '%s' requested by client is not supported for re-authentication of mechanism '%s'", g.mechanism, g.through)}
	}
	if x, can := g.exchange.(sasl.Asker); can {
		x.Asking(func() { a.wait(r) })
	}
	answer, done, err := g.exchange.Step(token)
	if err != nil {
		return nil, err
	}
	if !done {
		if x, can := g.exchange.(sasl.Refuser); can && x.Refused() != nil {
			r.Call.Conn.ExpectLastWord(g.reason(x.Refused()))
		}
		return answer, nil
	}
	login := g.exchange.Login()
	who := auth.User(login.User)
	if g.again && (who.Type != g.who.Type || who.Name != g.who.Name) {
		return nil, &sasl.Failure{Text: fmt.Sprintf("Cannot change principals during re-authentication from %s.%s: %s.%s", g.who.Type, g.who.Name, who.Type, who.Name)}
	}
	who.ByToken = login.ByToken
	g.who, g.through, g.exchange, g.stage, g.bare = who, g.mechanism, nil, gateOpen, false
	g.lifetime = g.lifetimeOf(a.Clock.Now(), login)
	g.expires = a.Clock.Monotonic() + g.lifetime
	r.Peer.loggedIn(who)
	r.Call.Conn.ExpectRequests()
	return answer, nil
}

// lifetimeMost is as good as for ever, and can be added to any time.
const lifetimeMost = 100 * 365 * 24 * time.Hour

// lifetimeOf is how long a login counts: the shorter of the credential's and the
// broker's, 0 for ever. What is told of it in milliseconds is never 0 then.
func (g *gate) lifetimeOf(now time.Time, login sasl.Login) time.Duration {
	lifetime := g.logins.ReauthMax[g.mechanism]
	if !login.Expires.IsZero() {
		left := max(login.Expires.Sub(now), time.Millisecond)
		if lifetime == 0 || left < lifetime {
			lifetime = left
		}
	}
	if lifetime >= lifetimeMost {
		return 0
	}
	return lifetime
}

// fail ends the connection. Who guesses passwords waits for each answer.
func (g *gate) fail(a *API, r *Request, reason string, answer func()) error {
	g.stage = gateShut
	if g.logins.FailureDelay > 0 {
		if err := a.pause(r, g.logins.FailureDelay); err != nil {
			return err
		}
	}
	if answer != nil {
		answer()
	}
	return &server.LoginError{Reason: reason}
}
