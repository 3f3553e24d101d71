package config

import "testing"

// Whatever a redpanda.yaml or a command line holds, it is settings or an error.
func FuzzRedpanda(f *testing.F) {
	f.Add("redpanda:\n  kafka_api:\n    - address: 0.0.0.0\n      name: external\n      port: 9092\n  node_id: 0\nauto_create_topics_enabled: true\n")
	f.Add("redpanda: {kafka_api: [{address: \"::\", port: 1}], a: &x 1, b: *x, <<: {c: !!str d}}\n---\n? a\n: |\n  b\n")
	f.Add("start --set redpanda.a=b --kafka-addr a://b:1|sasl,c --seeds")
	f.Fuzz(func(t *testing.T, text string) {
		if settings, err := FromRedpandaFile(File{"r.yaml", []byte(text)}); err == nil {
			_, _ = Load(Input{Family: Redpanda, Given: settings}) // any verdict will do
		}
		if start, err := FromRedpanda([]string{"start", "--set", text, "--kafka-addr", text, "--advertise-kafka-addr=" + text}, []string{"REDPANDA_SEEDS=" + text}); err == nil {
			_, _ = Load(Input{Family: Redpanda, Given: start.Settings}) // the same
		}
	})
}

// Whatever an environment says, the start is refused or has addresses to listen on.
func FuzzEnvironment(f *testing.F) {
	f.Add("KAFKA_LISTENERS", "A://:1,B://[::1]:2", "KAFKA_ADVERTISED_LISTENERS", "A://a:1,", "KAFKA_PORT", "5")
	f.Add("KAFKA_ADVERTISED_HOST_NAME", "::1", "KAFKA_ADVERTISED_PORT", "9", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "A:PLAINTEXT,")
	f.Add("KAFKA_CFG_NODE_ID", "\"0\"", "KAFKA_BROKER_ID", "-1", "CLUSTER_ID", "a b")
	f.Add("NODE_ID", "1", "ADVERTISED_HOST_NAME", "::1", "ADVERTISED_PORT", "65536")
	f.Fuzz(func(t *testing.T, a, aValue, b, bValue, c, cValue string) {
		for _, family := range []Family{ConfluentLocal, Apache} {
			in := Input{Family: family, Environ: []string{a + "=" + aValue, b + "=" + bValue, c + "=" + cValue}}
			s, err := Load(in)
			if err != nil {
				continue
			}
			broker, err := s.Broker(nil, nil)
			if err != nil || len(broker.Listeners) == 0 {
				t.Errorf("%s, %q: it is taken, and serves nobody: %v", family, in.Environ, err)
			}
		}
	})
}
