package config

import (
	"strings"
	"testing"
)

// The HTTP port is off, and once it is on, for this machine alone, unless others are
// let in by name.
func TestTheHTTPPort(t *testing.T) {
	for _, c := range []struct {
		overrides []string
		wrong     string // "" is legal
	}{
		{nil, ""},
		{[]string{"barnabas.http.listen=127.0.0.1:9308"}, ""},
		{[]string{"barnabas.http.listen=localhost:0"}, ""},
		{[]string{"barnabas.http.listen=[::1]:9308", "barnabas.control=true"}, ""},
		{[]string{"barnabas.http.listen=0.0.0.0:9308"}, "barnabas.http.public=true"},
		{[]string{"barnabas.http.listen=:9308"}, "barnabas.http.public=true"},
		{[]string{"barnabas.http.listen=broker.example:9308"}, "barnabas.http.public=true"},
		{[]string{"barnabas.http.listen=:9308", "barnabas.http.public=true"}, ""},
		{[]string{"barnabas.http.listen=9308"}, "not of the form host:port"},
		{[]string{"barnabas.http.listen=localhost:http"}, "not of the form host:port"},
		{[]string{"barnabas.control=true"}, "needs barnabas.http.listen"},
		{[]string{"barnabas.metrics.compat=jmx,statsd"}, "must be one of: jmx, kafka_exporter"},
	} {
		_, err := Load(Input{Overrides: c.overrides})
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%v: %v, want %q", c.overrides, err, c.wrong)
		}
	}
	s, err := Load(Input{Overrides: []string{"barnabas.metrics.compat=kafka_exporter, jmx"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (HTTP{JMX: true, Exporter: true}); b.HTTP != want {
		t.Errorf("%+v, want %+v", b.HTTP, want)
	}
}

func TestDataInMemoryAreNotDurable(t *testing.T) {
	s, err := Load(Input{Data: MemoryDir, Overrides: []string{"barnabas.durability=sync"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !b.IsInMemory() || b.Durability != DurabilityCached || b.BallastBytes != 0 {
		t.Errorf("in memory: %v, durability %s, ballast %d", b.IsInMemory(), b.Durability, b.BallastBytes)
	}
}
