package kerberos

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/login instead of comparing it")

// A login of alice at noon of 27 November 2026, for the tests of the broker: the keytab, the
// first token and the last.
func TestRecordedLogin(t *testing.T) {
	l := newLogin(etypes[2])
	files := map[string][]byte{
		"kafka.keytab": writeKeytab(entry(l.serviceKey, 3)),
		"request":      l.token(),
		"choice":       clientWrap(l.session, 0, uint64(l.sequence), []byte{1, 0, 0, 0}),
	}
	// A user without a name, in another realm; a ticket that has to wait for its time.
	l.client.Realm, l.claimed.Realm = "OTHER.COM", "OTHER.COM"
	files["request-of-another-realm"] = l.token()
	l = newLogin(etypes[2])
	l.flags = ticketInvalid
	files["request-of-later"] = l.token()
	// The same with a new key of the service.
	l = newLogin(etypes[2])
	l.at = l.at.Add(time.Microsecond) // another request
	l.serviceKey, l.keyVersion = keyOf(etypes[2], 'n'), 4
	files["next.keytab"] = writeKeytab(entry(l.serviceKey, 4), entry(keyOf(etypes[2], 's'), 3))
	files["request-of-next"] = l.token()
	for name, want := range files {
		file := filepath.Join("testdata", "login", name)
		if *rewrite {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is recorded (-rewrite records it): %v", name, err)
		}
	}
}
