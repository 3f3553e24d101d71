package ssl

import "strings"

// Gather gathers the stores, versions and suites. text gives a setting by its name, trimmed,
// or what counts where it is not set.
func Gather(text func(key string) string) Settings {
	names := func(key string) (all []string) {
		for name := range strings.SplitSeq(text(key), ",") {
			if name = strings.TrimSpace(name); name != "" {
				all = append(all, name)
			}
		}
		return all
	}
	return Settings{
		Keys: KeyStore{
			Type: text("ssl.keystore.type"), Location: text("ssl.keystore.location"), Password: text("ssl.keystore.password"),
			KeyPassword: text("ssl.key.password"), Key: text("ssl.keystore.key"), Chain: text("ssl.keystore.certificate.chain"),
		},
		Trust: TrustStore{
			Type: text("ssl.truststore.type"), Location: text("ssl.truststore.location"), Password: text("ssl.truststore.password"),
			Certificates: text("ssl.truststore.certificates"),
		},
		Protocols: names("ssl.enabled.protocols"), Ciphers: names("ssl.cipher.suites"),
	}
}
