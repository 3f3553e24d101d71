package differ

import (
	"fmt"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// startOfSettings is what both brokers start with, so that their settings are the
// same but for addresses and folders.
var startOfSettings = map[string]string{
	"offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
	"share.coordinator.state.topic.replication.factor": "1", "share.coordinator.state.topic.min.isr": "1",
	"group.initial.rebalance.delay.ms": "0",
}

// Every setting that Apache Kafka describes is described in the same way here, and
// says the same to every change of it: for one broker, for all, and for one
// listener; those of topics, groups and client metrics too. What differs on
// purpose stands in settingsApart.
func TestSettings(t *testing.T) {
	catalog := catalog(t, oracle.Newest)
	judge := oracle.Run(t, oracle.Options{Properties: startOfSettings})
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: startOfSettings})
	for _, address := range []string{judge.Bootstrap(), broker.Bootstrap()} {
		if err := Warm(address, catalog); err != nil {
			t.Fatal(err)
		}
	}
	s := &Session{Version: -1, key: -1, address: judge.Bootstrap(), catalog: catalog, peers: map[string]*Peer{}}
	settings := s.settings(brokerResource, "1")
	s.close()
	tellSettings(t, &Pair{A: judge.Bootstrap(), B: broker.Bootstrap(), Catalog: catalog}, settingsStories(settings))
}

func tellSettings(t *testing.T, pair *Pair, stories []Story) {
	t.Helper()
	used := make([]bool, len(settingsApart))
	due, told := 0, 0
	for _, story := range stories {
		for _, version := range story.versions(pair.Catalog) {
			due++
			t.Run(fmt.Sprintf("%s/v%d", story.Name, version), func(t *testing.T) {
				told++
				for _, d := range pair.Tell(story, version) {
					if !isApart(d, used) {
						t.Errorf("%s\n  alone:   go test ./differ -run '%s'", d, t.Name())
					}
				}
			})
		}
	}
	for i, a := range settingsApart {
		if told == due && !used[i] {
			t.Errorf("settingsApart allows a difference that is not there: %+v", a)
		}
	}
}

// apart allows differences on purpose: in the stories, the requests and the fields
// that contain these texts.
type apart struct{ story, label, path, why string }

var settingsApart = []apart{
	{"", "", "Configs[barnabas.", "our own settings"},
	{"", "", "Configs[advertised.listeners]", "unset here"},
	{"", "", "Configs[listeners]", "ports; there is no listener of a controller here"},
	{"", "", "Configs[listener.security.protocol.map]", "there is no listener of a controller here"},
	{"settings/described", "", "Configs[controller.listener.names]", "there is no listener of a controller here"},
	{"settings/described", "", "Configs[controller.quorum.voters]", "there is no listener of a controller here"},
	{"", "", "Configs[log.dirs]", "a folder"},
	{"", "", "Configs[cordoned.log.dirs]", "a folder"},
	{"settings/logger/", "unknown operation", "Responses", "-1 from Kafka, which has no error for it"},
	{"settings/broker/controller.listener.names", "append", "Responses", "-1 from Kafka, which has no default to append to"},
	{"settings/broker/controller.listener.names", "subtract", "Responses", "as above"},
	{"settings/broker/process.roles", "append", "Responses", "as above"},
	{"settings/broker/process.roles", "subtract", "Responses", "as above"},
	{"settings/together", "overrides without host", "Responses", "Kafka finds out when it applies it, after the answer"},
	{"settings/together", "overrides below zero", "Responses", "Kafka takes it for 0"},
	{"settings/listener/authorizer.class.name", "wrong", "Responses", "it asks for protection that is not built yet"},
	{"settings/listener/", `wrong ""`, "Responses", "no listener has such a setting; Kafka checks lists of it for being empty all the same"},
	{"settings/listener/controller.quorum", "no such choice", "Responses", "no listener has such a setting; Kafka parses it all the same"},
	{"settings/of", "0x1p-1", "", "Java reads hexadecimal fractions"},
	{"settings/of new topics", "", "].Value", "the value is answered as it will be described, not as it was sent"},
}

func isApart(d Diff, used []bool) bool {
	for i, a := range settingsApart {
		if strings.Contains(d.Story, a.story) && strings.Contains(d.Label, a.label) && strings.Contains(d.Path, a.path) {
			used[i] = true
			return true
		}
	}
	return false
}
