package sasl

import (
	"errors"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/auth"
)

// aliceAlone takes the token of alice, and of whom it must not be told.
func aliceAlone(token string, _ func()) (auth.Bearer, error) {
	switch token {
	case "alice.token", "alice==":
		return auth.Bearer{Name: "alice", Expires: tokenEnd}, nil
	case "little":
		return auth.Bearer{}, &auth.BearerRefused{Status: auth.BearerInsufficient, Scope: "[a, b]", Reason: "little scope"}
	}
	return auth.Bearer{}, &auth.BearerRefused{Status: auth.BearerInvalid, Reason: "it expired"}
}

// The exchange and its texts are those of Kafka's OAuthBearerSaslServer and
// OAuthBearerClientInitialResponse; ~ stands for the byte 1.
func TestOAuthBearer(t *testing.T) {
	const different = "Authentication failed: Client requested an authorization id (bob) that is different from the token's principal name (alice)"
	for _, c := range []struct {
		name, message   string
		user, challenge string
		failure         string // * for one without a text
	}{
		{"a token", "n,,~auth=Bearer alice.token~~", "alice", "", ""},
		{"with padding", "n,,~auth=Bearer alice==~~", "alice", "", ""},
		{"in small letters, with spaces", "n,,~auth=bEARER   alice.token~~", "alice", "", ""},
		{"with extensions", "n,,~a=b~auth=Bearer alice.token~Traceid=x=y z~~", "alice", "", ""},
		{"auth twice", "n,,~auth=Bearer eve~auth=Bearer alice.token~~", "alice", "", ""},
		{"as herself", "n,a=alice,~auth=Bearer alice.token~~", "alice", "", ""},
		{"as somebody else", "n,a=bob,~auth=Bearer alice.token~~", "", "", different},
		{"an unknown token", "n,a=bob,~auth=Bearer eve~~", "", `{"status":"invalid_token"}`, `{"status":"invalid_token"}`},
		{"little scope", "n,,~auth=Bearer little~~", "", `{"status":"insufficient_scope", "scope":"[a, b]"}`, `{"status":"insufficient_scope", "scope":"[a, b]"}`},
		{"nothing", "", "", "", "*"},
		{"the byte 1 alone", "~", "", "", "*"},
		{"no pairs", "n,,~~", "", "", "*"},
		{"no auth", "n,,~a=b~~", "", "", "*"},
		{"auth with a capital", "n,,~Auth=Bearer alice.token~~", "", "", "*"},
		{"another scheme", "n,,~auth=Basic alice.token~~", "", "", "*"},
		{"no token", "n,,~auth=Bearer ~~", "", "", "*"},
		{"padding alone", "n,,~auth=Bearer ==~~", "", "", "*"},
		{"padding within", "n,,~auth=Bearer a=b~~", "", "", "*"},
		{"two tokens", "n,,~auth=Bearer alice.token alice.token~~", "", "", "*"},
		{"channel binding", "y,,~auth=Bearer alice.token~~", "", "", "*"},
		{"an authorization id that is none", "n,bob,~auth=Bearer alice.token~~", "", "", "*"},
		{"an authorization id with an escape that is none", "n,a=b=20,~auth=Bearer alice.token~~", "", "", "*"},
		{"no end", "n,,~auth=Bearer alice.token~", "", "", "*"},
		{"no end at all", "n,,~auth=Bearer alice.token", "", "", "*"},
		{"an end too many", "n,,~auth=Bearer alice.token~~~", "", "", "*"},
		{"a pair without a value", "n,,~a=~auth=Bearer alice.token~~", "", "", "*"},
		{"a pair with a name that is none", "n,,~a1=b~auth=Bearer alice.token~~", "", "", "*"},
		{"a value that is not ASCII", "n,,~a=ü~auth=Bearer alice.token~~", "", "", "*"},
		{"a long message", "n,,~auth=Bearer " + strings.Repeat("a", bearerBytesMax) + "~~", "", "", "*"},
	} {
		x := NewOAuthBearer(aliceAlone)
		answer, done, err := x.Step([]byte(strings.ReplaceAll(c.message, "~", "\x01")))
		if string(answer) != c.challenge || done != (c.user != "") || x.Login().User != c.user || done && !x.Login().Expires.Equal(tokenEnd) {
			t.Errorf("%s: %q, %v, %+v", c.name, answer, done, x.Login())
		}
		if c.challenge != "" {
			if err != nil {
				t.Errorf("%s: the client is not told of it: %v", c.name, err)
			}
			answer, done, err = x.Step([]byte{1})
			if len(answer) > 0 || done {
				t.Errorf("%s: after the challenge: %q, %v", c.name, answer, done)
			}
		}
		var failure *Failure
		if (err != nil) != (c.failure != "") || err != nil && (!errors.As(err, &failure) || failure.Text != strings.TrimPrefix(c.failure, "*")) {
			t.Errorf("%s: %v; want %q", c.name, err, c.failure)
		}
	}
}

// What a refused client says that is not the byte 1 is read as a first message by Kafka,
// which ends with an error that has no text of its own (sarama says \x01, letter by letter).
func TestAnotherWordThanTheRefusedAreToSay(t *testing.T) {
	for _, word := range []string{`\x01`, "", "\x01\x01"} {
		x := NewOAuthBearer(aliceAlone)
		if _, _, err := x.Step([]byte("n,,\x01auth=Bearer eve\x01\x01")); err != nil {
			t.Fatal(err)
		}
		_, done, err := x.Step([]byte(word))
		var failure *Failure
		if done || !errors.As(err, &failure) || failure.Text != "" || failure.Reason != "it expired" {
			t.Errorf("%q: %v, %+v", word, done, err)
		}
	}
}

// Who was refused cannot try another token in the same exchange.
func TestOneTokenInAnExchange(t *testing.T) {
	x := NewOAuthBearer(aliceAlone)
	if _, _, err := x.Step([]byte("n,,\x01auth=Bearer eve\x01\x01")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, done, err := x.Step([]byte("n,,\x01auth=Bearer alice.token\x01\x01")); done || err == nil || x.Login().User != "" {
			t.Errorf("%v, %v, %+v", done, err, x.Login())
		}
	}
}

func FuzzOAuthBearer(f *testing.F) {
	f.Add("n,a=bob,\x01auth=Bearer alice.token\x01host=x\x01\x01")
	f.Add("n,,\x01auth=Bearer a.b.c==\x01\x01")
	f.Fuzz(func(t *testing.T, message string) {
		x := NewOAuthBearer(func(token string, _ func()) (auth.Bearer, error) {
			if token == "" || strings.ContainsAny(token, " \x01\n,") {
				t.Errorf("the token is %q", token)
			}
			return auth.Bearer{Name: "alice"}, nil
		})
		if _, done, err := x.Step([]byte(message)); done == (err != nil) {
			t.Errorf("%v, %v", done, err)
		}
	})
}
