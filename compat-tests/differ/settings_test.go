package differ

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
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
	catalog := catalogOf(t, oracle.Newest)
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
	tellSettings(t, &Pair{A: judge.Bootstrap(), B: broker.Bootstrap(), Catalog: catalog}, settingsStories(settings), settingsApart)
}

// DescribeConfigs in the versions that older clients use, against 3.9: settings
// that both releases have are described alike but for what changed between them.
func TestSettingsAreDescribedAsOldKafkaDoes(t *testing.T) {
	judge := oracle.Run(t, oracle.Options{Version: oracle.Old, Properties: startOfSettings})
	broker := barnabas.Run(t, barnabas.Options{Profile: "server", Properties: startOfSettings})
	pair := &Pair{A: judge.Bootstrap(), B: broker.Bootstrap(), Catalog: catalogOf(t, oracle.Old)}
	tellSettings(t, pair, describedStories(), settingsSinceOld)
}

// tellSettings tells stories, and fails for what the list does not set apart, and for rows
// of the list that match nothing. Those that change nothing are told in the end, some at once:
// Kafka waits for its controller most of the time.
func tellSettings(t *testing.T, pair *Pair, stories []Story, list []apart) {
	t.Helper()
	const atOnce = 4
	tellers := make(chan *Pair, atOnce)
	for i := range atOnce {
		tellers <- &Pair{A: pair.A, B: pair.B, Catalog: pair.Catalog, told: i * 100_000} // names of their own
	}
	var mu sync.Mutex
	used := make([]bool, len(list))
	due, told := 0, 0
	for _, story := range stories {
		due += len(versionsOf(story, pair.Catalog))
	}
	tell := func(t *testing.T, story Story, version int16) {
		p := <-tellers
		defer func() { tellers <- p }()
		differences := p.Tell(story, version)
		mu.Lock()
		defer mu.Unlock()
		told++
		for _, d := range differences {
			if !isApart(d, list, used) {
				t.Errorf("%s\n  alone:   go test ./differ -run '%s'", d, t.Name())
			}
		}
	}
	for _, harmless := range []bool{false, true} {
		t.Run(map[bool]string{false: "one by one", true: "at once"}[harmless], func(t *testing.T) {
			for _, story := range stories {
				if story.Harmless != harmless {
					continue
				}
				for _, version := range versionsOf(story, pair.Catalog) {
					t.Run(fmt.Sprintf("%s/v%d", story.Name, version), func(t *testing.T) {
						if harmless {
							t.Parallel()
						}
						tell(t, story, version)
					})
				}
			}
		})
	}
	for i, a := range list {
		if told == due && !used[i] {
			t.Errorf("the list sets a difference apart that is not there: %+v", a)
		}
	}
}

// versionsOf are those of the judge's schemas in which a story is told.
func versionsOf(story Story, catalog *schema.Catalog) (all []int16) {
	known := catalog.Request(int16(story.Key))
	if known == nil {
		return nil
	}
	for v := known.Versions.Min; v <= newest(catalog, int16(story.Key)); v++ {
		if story.has(v) {
			all = append(all, v)
		}
	}
	return all
}

// apart allows differences on purpose: in the stories, the requests and the fields
// that contain these texts.
type apart struct{ story, label, path, why string }

// wholeSettings is a path for settings that only one side has.
const wholeSettings = "Configs[*]"

func (a apart) covers(path string) bool {
	if a.path == wholeSettings {
		return strings.Contains(path, "Configs[") && strings.HasSuffix(path, "]") && !strings.Contains(path, "Synonyms")
	}
	return strings.Contains(path, a.path)
}

var settingsApart = []apart{
	{"", "", "Configs[barnabas.", "our own settings"},
	{"", "", "Configs[advertised.listeners]", "unset here"},
	{"", "", "Configs[listeners]", "ports; there is no listener of a controller here"},
	{"", "", "Configs[listener.security.protocol.map]", "there is no listener of a controller here"},
	{"settings/described", "", "Configs[controller.listener.names]", "there is no listener of a controller here"},
	{"settings/described", "", "Configs[controller.quorum.voters]", "there is no listener of a controller here"},
	{"", "", "Configs[log.dirs]", "a folder"},
	{"", "", "Configs[cordoned.log.dirs]", "a folder"},
	{"settings/broker/controller.listener.names", "append", "Responses", "-1 from Kafka, which has no default to append to"},
	{"settings/broker/controller.listener.names", "subtract", "Responses", "as above"},
	{"settings/broker/process.roles", "append", "Responses", "as above"},
	{"settings/broker/process.roles", "subtract", "Responses", "as above"},
	{"settings/broker/advertised.listeners", "", "Responses", "it may be altered here, as in Kafka with ZooKeeper"},
	{"settings/together", "another address advertised", "Responses", "as above"},
	{"settings/together", "overrides without host", "Responses", "Kafka finds out when it applies it, after the answer"},
	{"settings/together", "overrides below zero", "Responses", "Kafka takes it for 0"},
	{"settings/listener/", `wrong ""`, "Responses", "no listener has such a setting; Kafka checks lists of it for being empty all the same"},
	{"settings/listener/controller.quorum", "no such choice", "Responses", "no listener has such a setting; Kafka parses it all the same"},
	{"settings/of", "0x1p-1", "", "Java reads hexadecimal fractions"},
	{"settings/of new topics", "", "].Value", "the value is answered as it will be described, not as it was sent"},
}

func isApart(d Diff, list []apart, used []bool) bool {
	for i, a := range list {
		if strings.Contains(d.Story, a.story) && strings.Contains(d.Label, a.label) && a.covers(d.Path) {
			used[i] = true
			return true
		}
	}
	return false
}

// settingsSinceOld is what changed in settings between 3.9 and 4.3.
var settingsSinceOld = []apart{
	{"", "", wholeSettings, "of one of the releases only"},
	{"/v0", "", "IsDefault", "Kafka 3 denies it always; here it is the truth"},
	{"", "group", "", "3.9 has settings of groups behind a feature"},
	{"", "", "Configs[advertised.listeners]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[controller.listener.names]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[controller.quorum.voters]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[listener.security.protocol.map]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[listeners]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[log.dirs]", "an address, a folder or the listener of a controller"},
	{"", "", "Configs[early.start.listeners]", "another type in 3.9"},
	{"", "", "Configs[log.dir]", "another type in 3.9"},
	{"", "", "Configs[group.share.max.size]", "another type in 3.9"},
	{"", "", "Configs[group.consumer.assignors]", "another default in 3.9"},
	{"", "", "Configs[group.coordinator.append.linger.ms]", "another default in 3.9"},
	{"", "", "Configs[group.coordinator.rebalance.protocols]", "another default in 3.9"},
	{"", "", "Configs[group.coordinator.threads]", "another default in 3.9"},
	{"", "", "Configs[group.share.partition.max.record.locks]", "another default in 3.9"},
	{"", "", "message.timestamp.after.max.ms]", "another default in 3.9"},
	{"", "", "Configs[metric.reporters]", "another default in 3.9"},
	{"", "", "Configs[num.recovery.threads.per.data.dir]", "another default in 3.9"},
	{"", "", "Configs[remote.log.manager.thread.pool.size]", "another default in 3.9"},
	{"", "", "Configs[sasl.oauthbearer.expected.audience]", "another default in 3.9"},
	{"", "", "Configs[process.roles]", "another default in 3.9"},
	{"", "", "Configs[node.id]", "another default in 3.9"},
	{"", "", "Configs[remote.log.manager.copier.thread.pool.size]", "read-only in 3.9, with another default"},
	{"", "", "Configs[remote.log.manager.expiration.thread.pool.size]", "read-only in 3.9, with another default"},
	{"", "", "Configs[remote.log.reader.threads]", "read-only in 3.9, with another default"},
	{"", "", "Configs[min.insync.replicas].", "set for the cluster where eligible leader replicas are on, which 3.9 has not"},
	{"", "", "Configs[share.coordinator.state.topic.min.isr]", "unknown to 3.9, and in its file"},
	{"", "", "Configs[share.coordinator.state.topic.replication.factor]", "unknown to 3.9, and in its file"},
}
