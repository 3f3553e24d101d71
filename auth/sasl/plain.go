package sasl

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
)

// Passwords are the users of PLAIN: the options user_NAME="PASSWORD" of
// PlainLoginModule.
type Passwords map[string]string

// plain is the exchange of PLAIN, of one token: authzid NUL user NUL password.
type plain struct {
	passwords Passwords
	login     Login
}

// NewPlain begins an exchange of PLAIN.
func NewPlain(passwords Passwords) Exchange { return &plain{passwords: passwords} }

// tokensMost is one more than there may be: nobody needs to know how many more came.
const tokensMost = 4

// Step implements Exchange, with the texts of Kafka's PlainSaslServer.
func (p *plain) Step(token []byte) (answer []byte, done bool, err error) {
	parts := strings.SplitN(string(token), "\x00", tokensMost)
	if len(parts) != tokensMost-1 {
		return nil, false, &Failure{Text: "Invalid SASL/PLAIN response: expected 3 tokens, got " + itoa(len(parts))}
	}
	as, user, password := parts[0], parts[1], parts[2]
	switch {
	case user == "":
		return nil, false, &Failure{Text: "Authentication failed: username not specified"}
	case password == "":
		return nil, false, &Failure{Text: "Authentication failed: password not specified"}
	}
	want, known := p.passwords[user]
	// Hashes are of one length, so that not even that of the password shows.
	given, right := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	if subtle.ConstantTimeCompare(given[:], right[:]) != 1 || !known {
		return nil, false, &Failure{Text: "Authentication failed: Invalid username or password"}
	}
	if as != "" && as != user {
		return nil, false, &Failure{Text: "Authentication failed: Client requested an authorization id that is different from username"}
	}
	p.login = Login{User: user}
	return []byte{}, true, nil
}

// Login implements Exchange.
func (p *plain) Login() Login { return p.login }
