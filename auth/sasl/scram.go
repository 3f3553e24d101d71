package sasl

import (
	"crypto/hmac"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ScramCredential is what a broker knows of a password (RFC 5802, section 3).
type ScramCredential struct {
	Salt, StoredKey, ServerKey []byte
	Iterations                 int
}

// ScramUsers looks up credentials.
type ScramUsers interface {
	// User is the credential of a user.
	User(name string) (ScramCredential, bool)
	// Like is a credential of which the one of an unknown user has the form: one of those
	// that there are, chosen by n, or what Kafka's tools would make.
	Like(n uint64) ScramCredential
	// Token is the credential of a delegation token, its owner and when it expires.
	Token(id string) (c ScramCredential, owner string, expires time.Time, ok bool)
}

// ScramOptions are what an exchange of SCRAM needs.
type ScramOptions struct {
	Mechanism string // ScramSHA256 or ScramSHA512
	Users     ScramUsers
	// Nonce gives text that nobody can guess, without commas.
	Nonce func() string
	// Decoy is a secret of this broker: what an unknown user is answered with is derived
	// from it, so that the same name gets the same salt each time, as a known one does.
	Decoy []byte
}

// iterationsMin is the least that a credential may have (ScramMechanism in Kafka).
const iterationsMin = 4096

// scram is the exchange of SCRAM: client-first, server-first, client-final, server-final.
type scram struct {
	o       ScramOptions
	newHash func() hash.Hash

	credential ScramCredential
	known      bool
	login      Login

	bare, first, header, nonce string // of the first two messages
	step                       int
}

// NewScram begins an exchange of SCRAM.
func NewScram(o ScramOptions) Exchange {
	return &scram{o: o, newHash: hashOf(o.Mechanism)}
}

// Login implements Exchange.
func (s *scram) Login() Login { return s.login }

// Step implements Exchange.
func (s *scram) Step(token []byte) (answer []byte, done bool, err error) {
	s.step++
	switch s.step {
	case 1:
		answer, err = s.begin(string(token))
	case 2:
		answer, err = s.finish(string(token))
		done = err == nil
	default:
		err = errors.New("the exchange is over")
	}
	return answer, done, err
}

// begin reads client-first-message and gives server-first-message.
func (s *scram) begin(message string) ([]byte, error) {
	m, err := parseFirst(message)
	if err != nil {
		return nil, errInvalid // whoever sends that knows what is wrong
	}
	if m.as != "" && m.as != m.user {
		return nil, &Failure{Text: "Authentication failed: Client requested an authorization id that is different from username"}
	}
	s.header, s.bare = m.header, m.bare
	if m.byToken {
		var owner string
		var expires time.Time
		s.credential, owner, expires, s.known = s.o.Users.Token(m.user)
		s.login = Login{User: owner, ByToken: true, Expires: expires}
	} else {
		s.credential, s.known = s.o.Users.User(m.user)
		s.login = Login{User: m.user}
	}
	decoy := s.decoy(m.user)
	if s.known = s.known && s.credential.Iterations >= iterationsMin; !s.known {
		s.credential = decoy
	}
	s.nonce = m.nonce + s.o.Nonce()
	s.first = "r=" + s.nonce + ",s=" + base64.StdEncoding.EncodeToString(s.credential.Salt) + ",i=" + strconv.Itoa(s.credential.Iterations)
	return []byte(s.first), nil
}

// decoy stands in for the credential of a user that there is not. No password fits it. It
// looks like one that there is, and the same each time that somebody asks for the name.
func (s *scram) decoy(user string) ScramCredential {
	of := func(what string) []byte {
		h := hmac.New(s.newHash, s.o.Decoy)
		h.Write([]byte(what + user)) // a hash does not fail
		return h.Sum(nil)
	}
	seed := of("salt ")
	like := s.o.Users.Like(binary.BigEndian.Uint64(seed))
	salt := make([]byte, len(like.Salt))
	var digits [sha512.Size]byte
	copy(digits[:], seed)
	rng := rand.NewChaCha8([32]byte(digits[:32]))
	_, _ = rng.Read(salt) // never fails
	if isBase36(like.Salt) {
		for i := range salt {
			salt[i] = base36[int(salt[i])%len(base36)]
		}
	}
	return ScramCredential{Salt: salt, StoredKey: of("stored "), ServerKey: of("server "), Iterations: like.Iterations}
}

// base36 is what Java's clients make salts of (ScramFormatter.secureRandomString).
const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

func isBase36(salt []byte) bool {
	for _, c := range salt {
		if strings.IndexByte(base36, c) < 0 {
			return false
		}
	}
	return true
}

// finish reads client-final-message and gives server-final-message.
func (s *scram) finish(message string) ([]byte, error) {
	m, err := parseFinal(message)
	if err != nil {
		return nil, errInvalid
	}
	// The nonce is the server's own part too: without a look at it an old answer could be
	// sent again (CVE-2024-56128).
	if m.channel != s.header || subtle.ConstantTimeCompare([]byte(m.nonce), []byte(s.nonce)) != 1 {
		return nil, errInvalid
	}
	authenticated := []byte(s.bare + "," + s.first + "," + m.withoutProof)
	signature := s.mac(s.credential.StoredKey, authenticated)
	if len(m.proof) != len(signature) {
		return nil, errInvalid
	}
	clientKey := make([]byte, len(signature))
	subtle.XORBytes(clientKey, signature, m.proof)
	h := s.newHash()
	h.Write(clientKey) // a hash does not fail
	if subtle.ConstantTimeCompare(h.Sum(nil), s.credential.StoredKey) != 1 || !s.known {
		return nil, errInvalid
	}
	return []byte("v=" + base64.StdEncoding.EncodeToString(s.mac(s.credential.ServerKey, authenticated))), nil
}

func (s *scram) mac(key, text []byte) []byte {
	h := hmac.New(s.newHash, key)
	h.Write(text) // a hash does not fail
	return h.Sum(nil)
}

// firstMessage is client-first-message.
type firstMessage struct {
	header      string // with which it begins, as channel binding sends it back
	as, user    string
	nonce, bare string
	byToken     bool
}

var errMalformed = errors.New("malformed")

// parseFirst reads n,[a=authzid],n=user,r=nonce[,extensions]. Channel binding is not
// served, and a message that demands it is refused; of a client that could bind (y) it
// is not demanded, though Kafka's ScramMessages refuse that too.
func parseFirst(text string) (m firstMessage, err error) {
	binding, rest, ok := strings.Cut(text, ",")
	if !ok || binding != "n" && binding != "y" {
		return m, errMalformed
	}
	as, bare, ok := strings.Cut(rest, ",")
	if !ok {
		return m, errMalformed
	}
	if as != "" {
		name, found := strings.CutPrefix(as, "a=")
		if !found {
			return m, errMalformed
		}
		if m.as, err = saslName(name); err != nil {
			return m, err
		}
	}
	m.header, m.bare = binding+","+as+",", bare
	fields := strings.Split(bare, ",")
	if len(fields) < 2 {
		return m, errMalformed
	}
	user, isUser := strings.CutPrefix(fields[0], "n=")
	nonce, isNonce := strings.CutPrefix(fields[1], "r=")
	if !isUser || !isNonce || user == "" || !printable(nonce) {
		return m, errMalformed // a mandatory extension, m=, stands in the user's place
	}
	m.nonce = nonce
	if m.user, err = saslName(user); err != nil {
		return m, err
	}
	for _, extension := range fields[2:] {
		key, value, ok := strings.Cut(extension, "=")
		if !ok || key == "" {
			return m, errMalformed
		}
		if key == "tokenauth" {
			m.byToken = strings.EqualFold(value, "true")
		}
	}
	return m, nil
}

// finalMessage is client-final-message.
type finalMessage struct {
	channel, nonce, withoutProof string
	proof                        []byte
}

// parseFinal reads c=binding,r=nonce[,extensions],p=proof.
func parseFinal(text string) (m finalMessage, err error) {
	at := strings.LastIndex(text, ",p=")
	if at < 0 {
		return m, errMalformed
	}
	m.withoutProof = text[:at]
	if m.proof, err = base64.StdEncoding.Strict().DecodeString(text[at+len(",p="):]); err != nil {
		return m, err
	}
	fields := strings.Split(m.withoutProof, ",")
	if len(fields) < 2 {
		return m, errMalformed
	}
	channel, isChannel := strings.CutPrefix(fields[0], "c=")
	nonce, isNonce := strings.CutPrefix(fields[1], "r=")
	if !isChannel || !isNonce {
		return m, errMalformed
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(channel)
	m.channel, m.nonce = string(raw), nonce
	return m, err
}

// saslName undoes the escapes of a name: =2C for a comma, =3D for an equals sign.
func saslName(text string) (string, error) {
	plain := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(text)
	if strings.Count(text, "=") != strings.Count(text, "=2C")+strings.Count(text, "=3D") || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return "", errMalformed
	}
	return plain, nil
}

// printable is what a nonce may be: of any visible character but a comma.
func printable(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) < 0
}

func itoa(n int) string { return strconv.Itoa(n) }
