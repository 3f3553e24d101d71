package sasl

import (
	"cmp"
	"time"
)

// The mechanisms, as sasl.enabled.mechanisms names them.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// Exchange is one login under way.
type Exchange interface {
	// Step takes the client's next token and gives the answer to it. done says that the
	// client is who it claims to be, and that the answer is the last. A nil answer is none: who
	// sends bare tokens gets no frame for it. An error ends the exchange; a *Failure is for the
	// client to read, any other for nobody.
	Step(token []byte) (answer []byte, done bool, err error)
	// Login is what came of it, once it is done.
	Login() Login
}

// Refuser is an exchange that can fail before its last token: the client is told of it by
// an answer, and has the last word.
type Refuser interface {
	// Refused is how it has failed, nil while it may succeed.
	Refused() *Failure
}

// Asker is an exchange that may wait for somebody else's answer.
type Asker interface {
	// Asking has tell called before it does. It is for before a Step.
	Asking(tell func())
}

// Login is a client that has shown who it is.
type Login struct {
	User string
	// ByToken says that a delegation token was shown, of which User is the owner.
	ByToken bool
	// Expires is when the credential ends, zero for never.
	Expires time.Time
}

// Failure is a login that failed.
type Failure struct {
	// Text is what the client is told (Kafka's SaslAuthenticationException). Without it that
	// is the same for all reasons, and the gate's to say.
	Text string
	// Reason is what the broker's log says beyond that, if anything.
	Reason string
	// Unanswered says that the client is told nothing at all: it may try again.
	Unanswered bool
}

func (f *Failure) Error() string { return cmp.Or(f.Reason, f.Text, "invalid credentials") }

var errInvalid = &Failure{}
