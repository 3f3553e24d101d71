package sasl

import (
	"errors"
	"strings"
	"testing"
)

// The texts are those of Kafka's PlainSaslServer.
func TestPlain(t *testing.T) {
	users := Passwords{"alice": "secret", "empty": ""}
	for _, c := range []struct{ token, user, failure string }{
		{"\x00alice\x00secret", "alice", ""},
		{"alice\x00alice\x00secret", "alice", ""},
		{"\x00alice\x00wrong", "", "Authentication failed: Invalid username or password"},
		{"\x00bob\x00secret", "", "Authentication failed: Invalid username or password"},
		{"\x00alice\x00sec\u00adret", "", "Authentication failed: Invalid username or password"}, // SASLprep would drop the soft hyphen
		{"\x00bob\x00", "", "Authentication failed: password not specified"},
		{"\x00empty\x00", "", "Authentication failed: password not specified"},
		{"\x00\x00secret", "", "Authentication failed: username not specified"},
		{"bob\x00alice\x00secret", "", "Authentication failed: Client requested an authorization id that is different from username"},
		{"alice", "", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"},
		{"a\x00b\x00c\x00d", "", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"},
		{strings.Repeat("\x00", 1000), "", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"},
		{"", "", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"},
	} {
		x := NewPlain(users)
		answer, done, err := x.Step([]byte(c.token))
		var failure *Failure
		if len(answer) != 0 || done != (c.failure == "") || x.Login().User != c.user {
			t.Errorf("%q: %q, %v, %+v", c.token, answer, done, x.Login())
		}
		if c.failure != "" && (!errors.As(err, &failure) || failure.Text != c.failure) {
			t.Errorf("%q: %v", c.token, err)
		}
	}
}
