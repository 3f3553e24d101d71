package auth

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The HMAC is that of RFC 4231, case 2.
func TestTokenSecret(t *testing.T) {
	const secret, id = TokenSecret("Jefe"), "what do ya want for nothing?"
	sum := secret.HMAC(id)
	if got := hex.EncodeToString(sum); got != "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" {
		t.Errorf("HMAC %s", got)
	}
	if got := secret.Find(sum, slices.Values([]string{"a", id, "b"})); got != id {
		t.Errorf("found %q", got)
	}
	for _, none := range [][]byte{nil, sum[:63], append(slices.Clone(sum), 0), secret.HMAC("c")} {
		if got := secret.Find(none, slices.Values([]string{"a", id, ""})); got != "" {
			t.Errorf("found %q", got)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", secret, struct{ S TokenSecret }{secret}, secret, secret); strings.Contains(text, "Jefe") {
		t.Errorf("the secret is told: %s", text)
	}
}

func TestParsePrincipal(t *testing.T) {
	for text, want := range map[string]Principal{
		"User:a": {Type: "User", Name: "a"}, "User:a:b": {Type: "User", Name: "a:b"}, "User:": {Type: "User"}, "a": {Name: "a"}, "": {},
	} {
		if got := ParsePrincipal(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
