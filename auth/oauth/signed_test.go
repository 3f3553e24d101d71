package oauth

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/clock"
)

// known are keys that are never fetched.
func known(set KeySet) *Keys {
	k := &Keys{o: KeysOptions{Clock: clock.NewManual(epoch), Log: slog.New(slog.DiscardHandler)}}
	k.current.Store(&set)
	k.mu.closed = true
	return k
}

func signedBy(t testing.TB, raw []byte) *Signed {
	t.Helper()
	set, err := ParseKeySet(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &Signed{Keys: known(set), SubjectClaim: "sub", ScopeClaim: "scope", ClockSkew: 30 * time.Second, Now: now}
}

// Each algorithm is served, by the kid and without; no key serves another's.
func TestAlgorithms(t *testing.T) {
	s := signedBy(t, allKeys(t))
	for _, c := range []struct {
		alg, kid string
		key      crypto.Signer
	}{
		{"RS256", "rsa", rsaKey()}, {"RS384", "rsa", rsaKey()}, {"RS512", "rsa", rsaKey()}, {"PS256", "rsa", rsaKey()}, {"PS384", "rsa", rsaKey()}, {"PS512", "rsa", rsaKey()},
		{"ES256", "p256", p256Key()}, {"ES384", "p384", p384Key()}, {"ES512", "p521", p521Key()}, {"EdDSA", "ed", edKey()},
	} {
		token := sign(t, c.key, fields{"alg": c.alg, "kid": c.kid}, alice)
		checkBearer(t, c.alg, s.Check, token, "alice", "")
		checkBearer(t, c.alg+" without a kid", s.Check, sign(t, c.key, fields{"alg": c.alg}, alice), "alice", "")
		parts := strings.Split(token, ".")
		checkBearer(t, c.alg+" with other claims", s.Check, parts[0]+"."+encodeJSON(t, alice.with(fields{"sub": "eve"}))+"."+parts[2], "", auth.BearerInvalid)
		for other := range algorithms {
			if other == c.alg {
				continue
			}
			renamed := encodeJSON(t, fields{"alg": other, "kid": c.kid}) + "." + parts[1] + "." + parts[2]
			checkBearer(t, c.alg+" that says "+other, s.Check, renamed, "", auth.BearerInvalid)
			_, isRSA := c.key.(*rsa.PrivateKey)
			if forRSA := other[0] == 'R' || other[0] == 'P'; !isRSA || !forRSA { // the signature is right, and the key not of that kind or curve
				checkBearer(t, c.alg+"'s key for "+other, s.Check, sign(t, c.key, fields{"alg": other, "kid": c.kid}, alice), "", auth.BearerInvalid)
			}
		}
	}
}

// hmacToken is a token with an HMAC of a key.
func hmacToken(t *testing.T, key []byte) string {
	t.Helper()
	signed := encodeJSON(t, fields{"alg": "HS256", "kid": "a"}) + "." + encodeJSON(t, alice)
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signed))
	return signed + "." + encode(h.Sum(nil))
}

// A token that is signed by nobody, by a stranger, or in a way that its header speaks of.
func TestForgeries(t *testing.T) {
	s := signedBy(t, keySet(t, jwk(t, rsaKey().Public(), fields{"kid": "a", "alg": "RS256"}), jwk(t, p256Key().Public(), fields{"kid": "b"})))
	valid := sign(t, rsaKey(), fields{"alg": "RS256", "kid": "a"}, alice)
	checkBearer(t, "a token", s.Check, valid, "alice", "")
	parts := strings.Split(valid, ".")
	mine := jwk(t, otherKey().Public(), nil)
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"none":                         unsigned(t, alice),
		"none, with a signature":       encodeJSON(t, fields{"alg": "none"}) + "." + parts[1] + "." + parts[2],
		"None":                         encodeJSON(t, fields{"alg": "None"}) + "." + parts[1] + ".AAAA",
		"no algorithm":                 encodeJSON(t, fields{"kid": "a"}) + "." + parts[1] + "." + parts[2],
		"a secret, the public key":     hmacToken(t, public),
		"a secret, the key as text":    hmacToken(t, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"a secret, the modulus":        hmacToken(t, rsaKey().Public().(*rsa.PublicKey).N.Bytes()),
		"a secret, nothing":            hmacToken(t, nil),
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"another's key":                sign(t, otherKey(), fields{"alg": "RS256", "kid": "a"}, alice),
		"another's key, in the header": sign(t, otherKey(), fields{"alg": "RS256", "jwk": mine}, alice),
		"an unknown kid":               sign(t, rsaKey(), fields{"alg": "RS256", "kid": "z"}, alice),
		"a kid that is a number":       sign(t, rsaKey(), fields{"alg": "RS256", "kid": 1}, alice),
		"a long kid":                   sign(t, rsaKey(), fields{"alg": "RS256", "kid": strings.Repeat("a", 2000)}, alice),
		"not the key's algorithm":      sign(t, rsaKey(), fields{"alg": "RS512", "kid": "a"}, alice),
		"crit":                         sign(t, rsaKey(), fields{"alg": "RS256", "kid": "a", "crit": []string{"exp"}}, alice),
		"half a signature":             parts[0] + "." + parts[1] + "." + parts[2][:40],
		"zeros for a curve":            encodeJSON(t, fields{"alg": "ES256", "kid": "b"}) + "." + parts[1] + "." + encode(make([]byte, 64)),
	} {
		checkBearer(t, name, s.Check, token, "", auth.BearerInvalid)
	}
}

// What a token must say is what Kafka's BrokerJwtValidator asks for.
func TestClaims(t *testing.T) {
	at := epoch.Unix()
	audience := func(of ...string) func(*Signed) { return func(s *Signed) { s.Audience = of } }
	issuer := func(s *Signed) { s.Issuer = "https://issuer" }
	for _, c := range []struct {
		name   string
		claims fields
		change func(*Signed)
		who    string
	}{
		{"exp within the skew", fields{"exp": at - 29}, nil, "alice"},
		{"exp beyond the skew", fields{"exp": at - 30}, nil, ""},
		{"no exp", fields{"exp": nil}, nil, ""},
		{"exp in quotes", fields{"exp": "1900000000"}, nil, ""},
		{"no iat", fields{"iat": nil}, nil, ""},
		{"iat after now", fields{"iat": at + 500}, nil, "alice"},
		{"iat after exp", fields{"iat": at + 601}, nil, ""},
		{"nbf within the skew", fields{"nbf": at + 30}, nil, "alice"},
		{"nbf beyond the skew", fields{"nbf": at + 31}, nil, ""},
		{"nbf after exp", fields{"nbf": at + 601}, nil, ""},
		{"before 1970", fields{"iat": -5}, nil, ""},
		{"audience", fields{"aud": "kafka"}, audience("kafka"), "alice"},
		{"one of the audience", fields{"aud": []string{"x", "kafka"}}, audience("y", "kafka"), "alice"},
		{"another audience", fields{"aud": []string{"x", "y", "z", "a"}}, audience("kafka"), ""},
		{"no audience", nil, audience("kafka"), ""},
		{"an audience that nobody asked for", fields{"aud": "kafka"}, nil, ""},
		{"an audience of numbers", fields{"aud": []int{1}}, audience("kafka"), ""},
		{"an audience of nothing", fields{"aud": []any{nil}}, audience(""), ""},
		{"issuer", nil, issuer, "alice"},
		{"another issuer", fields{"iss": "https://issuer/"}, issuer, ""},
		{"no issuer", fields{"iss": nil}, issuer, ""},
		{"an issuer that nobody asked for", fields{"iss": "x"}, nil, "alice"},
		{"an issuer that is a number", fields{"iss": 1}, nil, ""},
		{"a jti that is a number", fields{"jti": 1}, nil, ""},
		{"no sub", fields{"sub": nil}, nil, ""},
		{"an empty sub", fields{"sub": " "}, nil, ""},
		{"a sub that is a list", fields{"sub": []string{"alice"}}, nil, ""},
		{"another claim for sub", fields{"sub": nil, "client": " bob "}, func(s *Signed) { s.SubjectClaim = "client" }, "bob"},
		{"scopes", fields{"scope": []string{"a", "b"}}, nil, "alice"},
		{"a scope twice", fields{"scope": []string{"a", "a "}}, nil, ""},
		{"an empty scope", fields{"scope": ""}, nil, ""},
		{"a scope that is a number", fields{"scope": 1}, nil, "alice"},
		{"another claim for the scope", fields{"scope": "", "scp": "a"}, func(s *Signed) { s.ScopeClaim = "scp" }, "alice"},
	} {
		s := signedBy(t, allKeys(t))
		if c.change != nil {
			c.change(s)
		}
		status := ""
		if c.who == "" {
			status = auth.BearerInvalid
		}
		checkBearer(t, c.name, s.Check, sign(t, p256Key(), fields{"alg": "ES256", "kid": "p256"}, alice.with(c.claims)), c.who, status)
	}
	who, err := signedBy(t, allKeys(t)).Check(sign(t, p256Key(), fields{"alg": "ES256"}, alice.with(fields{"exp": float64(at) + 9.9})), unasked)
	if err != nil || !who.Expires.Equal(epoch.Add(9*time.Second)) {
		t.Errorf("%+v, %v", who, err)
	}
}

// A set is read as RFC 7517 has it.
func TestKeySets(t *testing.T) {
	good := jwk(t, rsaKey().Public(), nil)
	for _, c := range []struct {
		name string
		raw  string
		keys int
		want string
	}{
		{"keys of kinds that are not known", string(keySet(t, fields{"kty": "XYZ"}, good, fields{"kty": "oct", "k": "AAAA"}, good.with(fields{"use": "enc"}))), 1, ""},
		{"a key that is broken", string(keySet(t, good.with(fields{"n": "AQAB"}), good.with(fields{"e": "Ag"}), good.with(fields{"e": nil}), good)), 1, ""},
		{"nothing", "", 0, "is no JSON object"},
		{"no list", "{}", 0, "has no list of keys"},
		{"a list of something else", `{"keys":[1]}`, 0, "key 1 is no JSON object"},
		{"an empty list", `{"keys":[]}`, 0, "it is empty"},
		{"for encryption alone", string(keySet(t, good.with(fields{"key_ops": []string{"encrypt"}}))), 0, "is not for signatures"},
		{"a short key", string(keySet(t, good.with(fields{"n": encode(make([]byte, 300)) + "AQAB"}))), 0, "bits; 2048 to 8192 are taken"},
		{"a long key", string(keySet(t, good.with(fields{"n": strings.Repeat("_", 4000)}))), 0, "bits; 2048 to 8192 are taken"},
		{"no point of the curve", string(keySet(t, jwk(t, p256Key().Public(), fields{"x": encode(make([]byte, 32))}))), 0, "is no point of P-256"},
		{"another curve's point", string(keySet(t, jwk(t, p256Key().Public(), fields{"crv": "P-384"}))), 0, "is no point of P-384"},
		{"no curve", string(keySet(t, jwk(t, p256Key().Public(), fields{"crv": nil}))), 0, `has the curve ""`},
		{"a short key of Ed25519", string(keySet(t, jwk(t, edKey().Public(), fields{"x": "AAAA"}))), 0, "is no key of Ed25519"},
		{"too many", `{"keys":[` + strings.Repeat("{},", keysMax) + `{}]}`, 0, "at most 100 are read"},
	} {
		set, err := ParseKeySet([]byte(c.raw))
		if len(set) != c.keys || (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d keys, %v; want %q", c.name, len(set), err, c.want)
		}
	}
}

// The example of RFC 7515, appendix A.2: RS256, with claims that have long expired.
func TestAnExampleOfTheRFC(t *testing.T) {
	const key = `{"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}`
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	s := signedBy(t, []byte(key))
	_, err := s.Check(token, unasked)
	if err == nil || !strings.Contains(err.Error(), "iat") {
		t.Errorf("its signature is not the reason: %v", err)
	}
	if _, err := s.Check(token[:len(token)-8]+"AAAAAAAA", unasked); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("a broken signature: %v", err)
	}
}

// lateKeys is a clock that is looked at while the keys come.
type lateKeys struct {
	clock.Clock
	come func()
}

func (l lateKeys) Monotonic() time.Duration { l.come(); return l.Clock.Monotonic() }

// Keys that come while it is decided that none are there serve the token.
func TestKeysThatComeMeanwhile(t *testing.T) {
	set, err := ParseKeySet(keySet(t, jwk(t, p256Key().Public(), fields{"kid": "1"})))
	if err != nil {
		t.Fatal(err)
	}
	k := &Keys{}
	k.o.Clock = lateKeys{clock.NewManual(epoch), func() { k.current.Store(&set) }}
	k.mu.renewed = true // a moment ago
	s := &Signed{Keys: k, SubjectClaim: "sub", ScopeClaim: "scope", Now: now}
	if _, err := s.Check(sign(t, p256Key(), fields{"alg": "ES256", "kid": "1"}, alice), unasked); err != nil {
		t.Error(err)
	}
}
