package sasl

import (
	"errors"
	"fmt"
)

// GSSAPI is the mechanism of RFC 4752, as sasl.enabled.mechanisms names it.
const GSSAPI = "GSSAPI"

// SecurityContext is the acceptor's side of a context of GSS-API.
type SecurityContext interface {
	// Accept takes the client's first token. An answer is for a client that wants one.
	Accept(token []byte) (answer []byte, err error)
	// Wrap and Unwrap are for what comes then.
	Wrap(message []byte) (token []byte)
	Unwrap(token []byte) (message []byte, err error)
}

// gssapi is the exchange of GSSAPI: a context is accepted, the server offers what protects
// later messages, which is nothing, and the client chooses that (GssKrb5Server in Java).
type gssapi struct {
	context SecurityContext
	user    func() (string, error)
	stage   gssapiStage
	login   Login
}

type gssapiStage int

const (
	gssapiRequest gssapiStage = iota // the client's first token
	gssapiNothing                    // an empty one, after an answer
	gssapiChoice                     // what protects later messages
	gssapiOver
)

// NewGSSAPI begins an exchange of GSSAPI. user is who the client of the accepted context is.
func NewGSSAPI(context SecurityContext, user func() (string, error)) Exchange {
	return &gssapi{context: context, user: user}
}

// Login implements Exchange.
func (g *gssapi) Login() Login { return g.login }

// noProtection is the bit of the only offer: Kafka's SASL protects logins and not what comes
// after them, which is for TLS.
const noProtection = 1

// choiceBytes are the protection and the largest message of it, which is 0 for none. Behind
// them a client may say as whom it wants to act.
const choiceBytes = 4

// Step implements Exchange.
func (g *gssapi) Step(token []byte) (answer []byte, done bool, err error) {
	switch g.stage {
	case gssapiRequest:
		answer, err = g.context.Accept(token)
		if err != nil {
			return nil, false, contextFailure(err)
		}
		if g.stage = gssapiNothing; answer != nil {
			return answer, false, nil
		}
	case gssapiNothing:
		if len(token) > 0 {
			return nil, false, &Failure{Reason: "the client has something to say after the server's answer"}
		}
	case gssapiChoice:
		g.stage = gssapiOver
		err = g.choose(token)
		return nil, err == nil, err
	default:
		return nil, false, &Failure{Reason: "the exchange is over"}
	}
	g.stage = gssapiChoice
	return g.context.Wrap([]byte{noProtection, 0, 0, 0}), false, nil
}

// choose ends the exchange. As whom the client wants to act is read over, as by Kafka
// (SaslServerCallbackHandler): it is who its ticket says.
func (g *gssapi) choose(token []byte) error {
	choice, err := g.context.Unwrap(token)
	switch {
	case err != nil:
		return contextFailure(err)
	case len(choice) < choiceBytes:
		return &Failure{Reason: "the client's choice of a protection is none"}
	case choice[0]&noProtection == 0:
		return &Failure{Reason: fmt.Sprintf("the client asks for the protection %d, and there is none; Kafka's clients ask for auth", choice[0])}
	}
	user, err := g.user()
	if err != nil {
		return &Failure{Reason: err.Error()}
	}
	g.login = Login{User: user}
	return nil
}

// contextFailure is for the log. A client that may well come in a moment later is told
// nothing: it tries again by itself after the end of a connection, and gives up when it is
// told that its login has failed (KerberosError in Kafka).
func contextFailure(err error) *Failure {
	var later interface{ Retriable() bool }
	return &Failure{Reason: err.Error(), Unanswered: errors.As(err, &later) && later.Retriable()}
}
