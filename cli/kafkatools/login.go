package kafkatools

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/barnabas-mq/barnabas/internal/jaas"
)

// login is how sasl.mechanism and sasl.jaas.config have a client show who it is.
func (p properties) login() (sasl.Mechanism, error) {
	mechanism := cmp.Or(strings.TrimSpace(p["sasl.mechanism"]), "GSSAPI")
	module, known := map[string]string{
		"PLAIN": jaas.PlainModule, "SCRAM-SHA-256": jaas.ScramModule, "SCRAM-SHA-512": jaas.ScramModule, "OAUTHBEARER": jaas.OAuthModule,
	}[mechanism]
	if !known {
		return nil, fmt.Errorf("sasl.mechanism=%s: these tools know PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER", mechanism)
	}
	text := p["sasl.jaas.config"]
	if strings.TrimSpace(text) == "" {
		return nil, says("Could not find a 'KafkaClient' entry in the JAAS configuration; set sasl.jaas.config")
	}
	modules, err := jaas.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("sasl.jaas.config: %w", err)
	}
	if len(modules) != 1 || modules[0].Class != module {
		return nil, fmt.Errorf("sasl.jaas.config: one login module is needed with %s, %s", mechanism, module)
	}
	options := modules[0].Options
	user, password := options["username"], options["password"]
	switch mechanism {
	case "OAUTHBEARER":
		return p.bearer(options)
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password, IsToken: options["tokenauth"] == "true"}.AsSha256Mechanism(), nil
	}
	return scram.Auth{User: user, Pass: password, IsToken: options["tokenauth"] == "true"}.AsSha512Mechanism(), nil
}
