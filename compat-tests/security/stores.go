package security

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// secret is the password of every store.
const secret = "store-secret"

// stores are key stores and trust stores that keytool has made.
type stores struct {
	tb  testing.TB
	dir string
}

func (s *stores) path(name string) string { return filepath.Join(s.dir, name) }

// keytool runs it with the password of store.
func (s *stores) keytool(store, verb string, args ...string) {
	s.tb.Helper()
	args = append([]string{verb, "-keystore", s.path(store), "-storepass", secret, "-noprompt"}, args...)
	if out, err := exec.Command("keytool", args...).CombinedOutput(); err != nil {
		s.tb.Fatalf("keytool %s of %s: %v\n%s", verb, store, err, out)
	}
}

// authority makes a CA, and name.pem with its certificate.
func (s *stores) authority(name string) {
	s.tb.Helper()
	store := name + ".p12"
	s.keytool(store, "-genkeypair", "-alias", "ca", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN="+name, "-ext", "bc:c=ca:true", "-validity", "30")
	s.keytool(store, "-exportcert", "-rfc", "-alias", "ca", "-file", s.path(name+".pem"))
}

// issue makes a store of this type with a key that the CA has signed, and the CA's
// certificate. One that is not valid any more was for five days, ten days ago.
func (s *stores) issue(store, kind, by, name string, expired bool) {
	s.tb.Helper()
	request, answer := s.path(store+".csr"), s.path(store+".crt")
	s.keytool(store, "-genkeypair", "-alias", "own", "-storetype", kind, "-keyalg", "RSA", "-keysize", "2048", "-dname", fmt.Sprintf("CN=%s,OU=Tests,O=Barnabas", name), "-validity", "30")
	s.keytool(store, "-certreq", "-alias", "own", "-file", request)
	validity := []string{"-validity", "30"}
	if expired {
		validity = []string{"-startdate", "-10d", "-validity", "5"}
	}
	s.keytool(by+".p12", "-gencert", append([]string{"-alias", "ca", "-infile", request, "-outfile", answer, "-ext", "san=dns:localhost,ip:127.0.0.1"}, validity...)...)
	s.keytool(store, "-importcert", "-alias", "ca", "-file", s.path(by+".pem"))
	s.keytool(store, "-importcert", "-alias", "own", "-file", answer)
}

// trust makes a trust store of this type with the certificates of some CAs.
func (s *stores) trust(store, kind string, authorities ...string) {
	s.tb.Helper()
	for _, name := range authorities {
		s.keytool(store, "-importcert", "-alias", name, "-storetype", kind, "-file", s.path(name+".pem"))
	}
}
