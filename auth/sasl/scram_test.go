package sasl

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"
)

// credentialOf derives what a broker keeps of a password.
func credentialOf(t testing.TB, mechanism, password string, salt []byte, iterations int) ScramCredential {
	c, err := DeriveScram(mechanism, password, salt, iterations)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// world knows a user and a token.
type world struct {
	users  map[string]ScramCredential
	tokens map[string]ScramCredential
}

func (w world) User(name string) (ScramCredential, bool) { c, ok := w.users[name]; return c, ok }

func (w world) Like(uint64) ScramCredential {
	return ScramCredential{Salt: []byte("0123456789abcdef"), Iterations: 4096}
}

var tokenEnd = time.Unix(2_000_000_000, 0)

func (w world) Token(id string) (ScramCredential, string, time.Time, bool) {
	c, ok := w.tokens[id]
	return c, "owner", tokenEnd, ok
}

// The example of RFC 7677, section 3.
func TestScramAsInTheRFC(t *testing.T) {
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	w := world{users: map[string]ScramCredential{"user": credentialOf(t, ScramSHA256, "pencil", salt, 4096)}}
	x := NewScram(ScramOptions{Mechanism: ScramSHA256, Users: w, Nonce: func() string { return "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0" }})
	for i, step := range []struct{ token, answer string }{
		{"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"},
		{"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
	} {
		answer, done, err := x.Step([]byte(step.token))
		if err != nil || done != (i == 1) || string(answer) != step.answer {
			t.Fatalf("step %d: %q, %v, %v", i+1, answer, done, err)
		}
	}
	if x.Login() != (Login{User: "user"}) {
		t.Errorf("login %+v", x.Login())
	}
	if _, _, err := x.Step(nil); err == nil {
		t.Error("a third step succeeds")
	}
}

// login goes through an exchange as a client does, and may change its final message.
func login(t *testing.T, x Exchange, mechanism, first, password string, change func(string) string) (Login, error) {
	t.Helper()
	newHash, size := func() hash.Hash { return sha256.New() }, sha256.Size
	if mechanism == ScramSHA512 {
		newHash, size = sha512.New, sha512.Size
	}
	answer, done, err := x.Step([]byte(first))
	if err != nil || done {
		return Login{}, err
	}
	fields := strings.Split(string(answer), ",")
	salt, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(fields[1], "s="))
	if err != nil || fields[2] != "i=4096" {
		t.Fatalf("server-first-message %q", answer)
	}
	salted, err := pbkdf2.Key(newHash, password, salt, 4096, size)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(key []byte, text string) []byte {
		h := hmac.New(newHash, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	header := first[:strings.Index(first, "n=")]
	final := "c=" + base64.StdEncoding.EncodeToString([]byte(header)) + "," + fields[0]
	key := mac(salted, "Client Key")
	h := newHash()
	h.Write(key)
	proof := mac(h.Sum(nil), first[len(header):]+","+string(answer)+","+final)
	for i := range proof {
		proof[i] ^= key[i]
	}
	message := final + ",p=" + base64.StdEncoding.EncodeToString(proof)
	if change != nil {
		message = change(message)
	}
	_, done, err = x.Step([]byte(message))
	if done != (err == nil) {
		t.Errorf("done %v with %v", done, err)
	}
	return x.Login(), err
}

func TestScramLogins(t *testing.T) {
	const password, nonce = "pencil", "clientnonce"
	for _, mechanism := range []string{ScramSHA256, ScramSHA512} {
		good := credentialOf(t, mechanism, password, []byte("0123456789abcdef"), 4096)
		w := world{
			users:  map[string]ScramCredential{"alice": good, "a,b=c": good},
			tokens: map[string]ScramCredential{"token-1": good},
		}
		for _, c := range []struct {
			name, first, password string
			change                func(string) string
			want                  Login
		}{
			{"a user", "n,,n=alice,r=" + nonce, password, nil, Login{User: "alice"}},
			{"a client that could bind channels", "y,,n=alice,r=" + nonce, password, nil, Login{User: "alice"}},
			{"acting as oneself", "n,a=alice,n=alice,r=" + nonce, password, nil, Login{User: "alice"}},
			{"an escaped name", "n,,n=a=2Cb=3Dc,r=" + nonce, password, nil, Login{User: "a,b=c"}},
			{"a token", "n,,n=token-1,r=" + nonce + ",tokenauth=true", password, nil, Login{User: "owner", ByToken: true, Expires: tokenEnd}},
			{"a wrong password", "n,,n=alice,r=" + nonce, "pencils", nil, Login{}},
			{"an unknown user", "n,,n=bob,r=" + nonce, password, nil, Login{}},
			// SASLprep would drop the soft hyphen; Kafka does not (ScramFormatter.normalize).
			{"a password that SASLprep would change", "n,,n=alice,r=" + nonce, "pen\u00adcil", nil, Login{}},
			{"a user whom SASLprep would change", "n,,n=al\u00adice,r=" + nonce, password, nil, Login{}},
			{"a token as a user", "n,,n=token-1,r=" + nonce, password, nil, Login{}},
			{"a user as a token", "n,,n=alice,r=" + nonce + ",tokenauth=true", password, nil, Login{}},
			{"acting as another", "n,a=bob,n=alice,r=" + nonce, password, nil, Login{}},
			{"channel binding", "p=tls-unique,,n=alice,r=" + nonce, password, nil, Login{}},
			{"a mandatory extension", "n,,m=x,n=alice,r=" + nonce, password, nil, Login{}},
			{"no nonce", "n,,n=alice,r=", password, nil, Login{}},
			{"no name", "n,,n=,r=" + nonce, password, nil, Login{}},
			{"a name that is no text", "n,,n=\xff,r=" + nonce, password, nil, Login{}},
			{"a bad escape", "n,,n=a=2D,r=" + nonce, password, nil, Login{}},
			{"another nonce at the end", "n,,n=alice,r=" + nonce, password, func(m string) string { return strings.Replace(m, "r="+nonce, "r=other", 1) }, Login{}},
			{"the client's part of the nonce alone", "n,,n=alice,r=" + nonce, password, func(m string) string { return strings.Replace(m, "servernonce", "", 1) }, Login{}},
			{"another binding at the end", "n,,n=alice,r=" + nonce, password, func(m string) string { return strings.Replace(m, "c=biws", "c=eSws", 1) }, Login{}},
			{"no proof", "n,,n=alice,r=" + nonce, password, func(m string) string { return m[:strings.Index(m, ",p=")] }, Login{}},
			{"an empty proof", "n,,n=alice,r=" + nonce, password, func(m string) string { return m[:strings.Index(m, ",p=")+3] }, Login{}},
			{"a proof that is too long", "n,,n=alice,r=" + nonce, password, func(m string) string { return m[:strings.Index(m, ",p=")+3] + strings.Repeat("AAAA", 50) }, Login{}},
		} {
			x := NewScram(ScramOptions{Mechanism: mechanism, Users: w, Nonce: func() string { return "servernonce" }, Decoy: []byte("secret")})
			got, err := login(t, x, mechanism, c.first, c.password, c.change)
			if c.want == (Login{}) {
				var failure *Failure
				if !errors.As(err, &failure) {
					t.Errorf("%s, %s: %v", mechanism, c.name, err)
				}
				continue
			}
			if err != nil || got != c.want {
				t.Errorf("%s, %s: %+v, %v", mechanism, c.name, got, err)
			}
		}
	}
}

// Nothing in the first answer tells an unknown user from a known one: the salt is like
// theirs, and the same each time.
func TestUnknownUsersAreNotTold(t *testing.T) {
	w := world{users: map[string]ScramCredential{"alice": credentialOf(t, ScramSHA256, "x", []byte("fedcba9876543210"), 4096)}}
	for _, mechanism := range []string{ScramSHA256, ScramSHA512} {
		answer := func(user string) string {
			x := NewScram(ScramOptions{Mechanism: mechanism, Users: w, Nonce: func() string { return "n" }, Decoy: []byte("secret")})
			a, _, err := x.Step([]byte("n,,n=" + user + ",r=c"))
			if err != nil {
				t.Fatal(err)
			}
			return string(a)
		}
		form := func(answer string) string {
			salt, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.Split(answer, ",")[1], "s="))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Repeat("?", len(salt)) + strings.Split(answer, ",")[2] + fmt.Sprint(isBase36(salt))
		}
		bob, again := answer("bob"), answer("bob")
		if bob != again || bob == answer("eve") || form(answer("bob")) != form(answer("alice")) {
			t.Errorf("%q, %q, %q", answer("bob"), answer("eve"), answer("alice"))
		}
	}
}

func FuzzScram(f *testing.F) {
	f.Add("n,,n=alice,r=abc", "c=biws,r=abcservernonce,p=AAAA")
	f.Add("n,a=x,n=a=2Cb,r=abc,tokenauth=true", "")
	w := world{users: map[string]ScramCredential{"alice": {Salt: []byte("s"), StoredKey: make([]byte, 32), ServerKey: make([]byte, 32), Iterations: 4096}}}
	f.Fuzz(func(t *testing.T, first, final string) {
		x := NewScram(ScramOptions{Mechanism: ScramSHA256, Users: w, Nonce: func() string { return "servernonce" }, Decoy: []byte("d")})
		if _, done, err := x.Step([]byte(first)); done {
			t.Error("done after one message")
		} else if err == nil {
			if _, done, _ := x.Step([]byte(final)); done {
				t.Error("a proof was found by chance")
			}
		}
	})
}
