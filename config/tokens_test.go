package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTokens(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]Tokens{
		"":                                            {"", 7 * day, day, time.Hour},
		"delegation.token.secret.key=":                {"", 7 * day, day, time.Hour},
		"delegation.token.secret.key= a b ":           {"a b", 7 * day, day, time.Hour},
		"delegation.token.max.lifetime.ms=5":          {"", 5 * time.Millisecond, day, time.Hour},
		"delegation.token.expiry.time.ms=5":           {"", 7 * day, 5 * time.Millisecond, time.Hour},
		"delegation.token.expiry.check.interval.ms=5": {"", 7 * day, day, 5 * time.Millisecond},
	} {
		if diff := cmp.Diff(want, start(t, Input{File: &File{"f", []byte(text)}}).Tokens); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
}
