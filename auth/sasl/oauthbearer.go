package sasl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/barnabas-mq/barnabas/auth"
)

// OAuthBearer is the mechanism of RFC 7628, as sasl.enabled.mechanisms names it.
const OAuthBearer = "OAUTHBEARER"

// wordOfRefused is how a client says that it has read why its token is not taken (RFC 7628, section 3.2.3).
const wordOfRefused = "\x01"

// bearer is the exchange of OAUTHBEARER: the client sends its token and is in. To one whose
// token is not taken the server says why, waits for the client's word that it has read it,
// and fails then (OAuthBearerSaslServer in Kafka).
type bearer struct {
	check  BearerCheck
	asking func() // see Asker
	login  Login
	// refused is what a client was told whose token was not taken.
	refused *Failure
}

// BearerCheck gives the bearer of a token, or *auth.BearerRefused; any other error is for the
// caller of Step. Before it waits for an answer of somebody else it calls asking.
type BearerCheck func(token string, asking func()) (auth.Bearer, error)

// NewOAuthBearer begins an exchange of OAUTHBEARER.
func NewOAuthBearer(check BearerCheck) Exchange {
	return &bearer{check: check, asking: func() {}}
}

// Asking implements Asker.
func (b *bearer) Asking(tell func()) { b.asking = tell }

// Login implements Exchange.
func (b *bearer) Login() Login { return b.login }

// Refused implements Refuser.
func (b *bearer) Refused() *Failure { return b.refused }

// Step implements Exchange.
func (b *bearer) Step(token []byte) (answer []byte, done bool, err error) {
	switch {
	case b.refused == nil:
	case string(token) == wordOfRefused:
		return nil, false, b.refused
	default: // is as good as a first message of no form; Kafka would take another token here, as often as one likes
		return nil, false, &Failure{Reason: b.refused.Reason}
	}
	m, err := parseBearer(string(token))
	if err != nil {
		return nil, false, &Failure{Reason: err.Error()}
	}
	who, err := b.check(m.token, b.asking)
	var refused *auth.BearerRefused
	switch {
	case errors.As(err, &refused):
		b.refused = &Failure{Text: challenge(refused), Reason: refused.Reason}
		return []byte(b.refused.Text), false, nil
	case err != nil:
		return nil, false, err
	case m.as != "" && m.as != who.Name:
		return nil, false, &Failure{
			Text: "Authentication failed: Client requested an authorization id (" + m.as +
				") that is different from the token's principal name (" + who.Name + ")",
			Reason: fmt.Sprintf("the token is of %.64q, and the client asks to be %.64q", who.Name, m.as),
		}
	}
	b.login = Login{User: who.Name, Expires: who.Expires}
	return []byte{}, true, nil
}

// challenge is what is wrong with a token, in JSON (RFC 7628, section 3.2.2). Neither text
// has anything in it that JSON would have to escape.
func challenge(r *auth.BearerRefused) string {
	if r.Scope != "" {
		return `{"status":"` + r.Status + `", "scope":"` + r.Scope + `"}`
	}
	return `{"status":"` + r.Status + `"}`
}

// bearerMessage is a client's first message. Extensions that it has beside the token
// are read over: they are of form here, and nobody asks for them.
type bearerMessage struct{ as, token string }

// bearerBytesMax bounds the message. Before the first login a frame holds no more; of a
// later one on the same connection it could.
const bearerBytesMax = 64 << 10

// parseBearer reads gs2-header kvsep *kvpair kvsep of RFC 7628, section 3.1, where kvsep is
// the byte 1.
func parseBearer(message string) (m bearerMessage, err error) {
	const separator = "\x01"
	if len(message) > bearerBytesMax {
		return m, errors.New("the first message is too long")
	}
	rest, ok := strings.CutPrefix(message, "n,")
	as, rest, comma := strings.Cut(rest, ",")
	if !ok || !comma {
		return m, errors.New("the first message has no GS2 header")
	}
	if as != "" {
		name, ok := strings.CutPrefix(as, "a=")
		if m.as, err = saslName(name); !ok || err != nil {
			return m, errors.New("the first message has an authorization id that is none")
		}
	}
	pairs, ok := strings.CutSuffix(rest, separator)
	pairs, opens := strings.CutPrefix(pairs, separator)
	if !ok || !opens || pairs != "" && !strings.HasSuffix(pairs, separator) {
		return m, errors.New("the first message is not of the form of RFC 7628")
	}
	var authorization string
	for pairs != "" {
		var pair string
		pair, pairs, _ = strings.Cut(pairs, separator)
		name, value, _ := strings.Cut(pair, "=")
		if !allOf(name, isLetter) || !allOf(value, isValueChar) {
			return m, errors.New("the first message has a pair that is not of the form of RFC 7628")
		}
		if name == "auth" {
			authorization = value
		}
	}
	scheme, rest, _ := strings.Cut(authorization, " ")
	m.token = strings.TrimLeft(rest, " ")
	if !strings.EqualFold(scheme, "bearer") || !allOf(strings.TrimRight(m.token, "="), isTokenChar) {
		return m, errors.New("the first message has no auth=Bearer with a token")
	}
	return m, nil
}

// allOf tells whether a text has at least one byte, and each is of a kind.
func allOf(text string, is func(c byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return text != ""
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isValueChar is VCHAR, space and line ends.
func isValueChar(c byte) bool {
	return c >= ' ' && c < 0x7f || c == '\t' || c == '\r' || c == '\n'
}

// isTokenChar is of a token68 of RFC 7235, section 2.1.
func isTokenChar(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || strings.IndexByte("-_~+/.", c) >= 0
}
