package ssl

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each setting has its place, and a list loses blanks and what is empty.
func TestGather(t *testing.T) {
	got := Gather(func(key string) string {
		switch key {
		case "ssl.enabled.protocols":
			return "TLSv1.2 ,,TLSv1.3,"
		case "ssl.cipher.suites":
			return ""
		}
		return key
	})
	want := Settings{
		Keys: KeyStore{
			Type: "ssl.keystore.type", Location: "ssl.keystore.location", Password: "ssl.keystore.password",
			KeyPassword: "ssl.key.password", Key: "ssl.keystore.key", Chain: "ssl.keystore.certificate.chain",
		},
		Trust: TrustStore{
			Type: "ssl.truststore.type", Location: "ssl.truststore.location", Password: "ssl.truststore.password",
			Certificates: "ssl.truststore.certificates",
		},
		Protocols: []string{"TLSv1.2", "TLSv1.3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
