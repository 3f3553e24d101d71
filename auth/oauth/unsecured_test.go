package oauth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/auth"
)

// unsigned is a token that nobody signed.
func unsigned(t testing.TB, claims fields) string {
	return encodeJSON(t, fields{"alg": "none"}) + "." + encodeJSON(t, claims) + "."
}

// What is taken is what Kafka's OAuthBearerUnsecuredValidatorCallbackHandler takes.
func TestUnsecured(t *testing.T) {
	const skew = 3 * time.Second
	seconds := float64(epoch.Unix())
	for _, c := range []struct {
		name   string
		claims fields
		change func(*Unsecured)
		who    string
		status string
	}{
		{"a token", alice, nil, "alice", ""},
		{"no iat", alice.with(fields{"iat": nil}), nil, "alice", ""},
		{"another claim for the name", alice.with(fields{"name": "bob"}), func(u *Unsecured) { u.PrincipalClaim = "name" }, "bob", ""},
		{"no name", alice.with(fields{"sub": nil}), nil, "", auth.BearerInvalid},
		{"a name of spaces", alice.with(fields{"sub": "  "}), nil, "", auth.BearerInvalid},
		{"a name that is a number", alice.with(fields{"sub": 7}), nil, "", auth.BearerInvalid},
		{"a name in capitals", alice.with(fields{"sub": nil, "SUB": "alice"}), nil, "", auth.BearerInvalid},
		{"no exp", alice.with(fields{"exp": nil}), nil, "", auth.BearerInvalid},
		{"an exp in quotes", alice.with(fields{"exp": "1800000000"}), nil, "", auth.BearerInvalid},
		{"it ends now, but for the skew", alice.with(fields{"exp": seconds - 2.9}), nil, "alice", ""},
		{"it ended", alice.with(fields{"exp": seconds - 3}), nil, "", auth.BearerInvalid},
		{"it is issued now, but for the skew", alice.with(fields{"iat": seconds + 3}), nil, "alice", ""},
		{"it will be issued", alice.with(fields{"iat": seconds + 3.1}), nil, "", auth.BearerInvalid},
		{"an iat in quotes", alice.with(fields{"iat": "1"}), nil, "", auth.BearerInvalid},
		{"it ends as it begins", alice.with(fields{"iat": seconds + 1, "exp": seconds + 1}), nil, "", auth.BearerInvalid},
		{"nbf is not looked at", alice.with(fields{"nbf": seconds + 500}), nil, "alice", ""},
		{"a scope", alice.with(fields{"scope": " a "}), required("a"), "alice", ""},
		{"a list of scopes", alice.with(fields{"scope": []string{"b", " a"}}), required("a", "b"), "alice", ""},
		{"two scopes in a text are one", alice.with(fields{"scope": "a b"}), required("a"), "", auth.BearerInsufficient},
		{"no scope", alice, required("a"), "", auth.BearerInsufficient},
		{"a scope that is a number", alice.with(fields{"scope": 7}), nil, "", auth.BearerInvalid},
		{"another claim for the scope", alice.with(fields{"scp": "a"}), func(u *Unsecured) { u.ScopeClaim = "scp"; required("a")(u) }, "alice", ""},
		{"a time without end", alice.with(fields{"exp": 1e300}), nil, "alice", ""},
	} {
		u := &Unsecured{PrincipalClaim: "sub", ScopeClaim: "scope", ClockSkew: skew, Now: now}
		if c.change != nil {
			c.change(u)
		}
		checkBearer(t, c.name, u.Check, unsigned(t, c.claims), c.who, c.status)
	}
	u := &Unsecured{PrincipalClaim: "sub", ScopeClaim: "scope", RequiredScope: []string{"a", "b"}, Now: now}
	var refused *auth.BearerRefused
	if _, err := u.Check(unsigned(t, alice), unasked); !errors.As(err, &refused) || refused.Scope != "[a, b]" {
		t.Errorf("%+v", refused)
	}
	u.RequiredScope = nil
	if who, err := u.Check(unsigned(t, alice), unasked); err != nil || !who.Expires.Equal(epoch.Add(10*time.Minute)) {
		t.Errorf("%+v, %v", who, err)
	}
}

func required(scope ...string) func(*Unsecured) {
	return func(u *Unsecured) { u.RequiredScope = scope }
}

// unasked is for who does not care whether somebody is asked.
func unasked() {}

func checkBearer(t *testing.T, name string, check func(string, func()) (auth.Bearer, error), token, who, status string) {
	t.Helper()
	got, err := check(token, unasked)
	if status == "" && (err != nil || got.Name != who) {
		t.Errorf("%s: %+v, %v; want %s", name, got, err, who)
	}
	var refused *auth.BearerRefused
	if status != "" && (got != (auth.Bearer{}) || !errors.As(err, &refused) || refused.Status != status) {
		t.Errorf("%s: %+v, %v; want %s", name, got, err, status)
	}
	if err != nil && len(token) > 20 && strings.Contains(err.Error(), token[len(token)-20:]) {
		t.Errorf("%s: the token is told: %v", name, err)
	}
}

// Tokens that are none.
func TestForms(t *testing.T) {
	good := unsigned(t, alice)
	header, payload := encodeJSON(t, fields{"alg": "none"}), encodeJSON(t, alice)
	twice := encode([]byte(`{"sub":"alice","exp":1900000000,"sub":"bob"}`))
	for name, token := range map[string]string{
		"nothing": "", "no dots": "abc", "one dot": header + "." + payload, "three dots": good + ".", "dots alone": "..",
		"signed": good + "AAAA", "no algorithm": encode([]byte("{}")) + "." + payload + ".", "an algorithm": encodeJSON(t, fields{"alg": "RS256"}) + "." + payload + ".",
		"no base64": "{}." + payload + ".", "padding": header + "=." + payload + ".", "the other base64": strings.ReplaceAll(header, header[:1], "+") + "." + payload + ".",
		"a line end": header + "\n." + payload + ".", "no object": encode([]byte("[]")) + "." + payload + ".", "more than an object": header + "." + encode([]byte(`{"sub":"a"} {}`)) + ".",
		"half an object": header + "." + encode([]byte(`{"sub":"a"`)) + ".", "a claim twice": header + "." + twice + ".",
		"deep": header + "." + encode([]byte(`{"sub":`+strings.Repeat("[", 40_000))) + ".", "long": header + "." + strings.Repeat("A", 1<<20) + ".",
		"deep, with an end": header + "." + encode([]byte(`{"sub":"a","exp":1900000000,"x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`)) + ".",
	} {
		u := &Unsecured{PrincipalClaim: "sub", ScopeClaim: "scope", Now: now}
		checkBearer(t, name, u.Check, token, "", auth.BearerInvalid)
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MTkwMDAwMDAwMH0.")
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.AAAA")
	unsecured := &Unsecured{PrincipalClaim: "sub", ScopeClaim: "scope", RequiredScope: []string{"a"}, Now: now}
	set, err := ParseKeySet(allKeys(f))
	if err != nil {
		f.Fatal(err)
	}
	signed := &Signed{Keys: known(set), SubjectClaim: "sub", ScopeClaim: "scope", Now: now}
	f.Fuzz(func(t *testing.T, token string) {
		for _, check := range []func(string, func()) (auth.Bearer, error){unsecured.Check, signed.Check} {
			who, err := check(token, unasked)
			if (err == nil) == (who == auth.Bearer{}) {
				t.Errorf("%+v, %v", who, err)
			}
		}
		if _, err := signed.Check(token, unasked); err == nil {
			t.Error("a signature was found by chance")
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if set, err := ParseKeySet(raw); err == nil && len(set) == 0 {
			t.Error("neither keys nor an error")
		}
	})
}
