package persona

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

var personas = []struct {
	name, version string
	apiVersions   int16 // the newest version of ApiVersions
}{
	{"kafka-2.8", oracle.Oldest, 3},
	{"kafka-3.9", oracle.Old, 4},
	{"kafka-4.3", oracle.Newest, 4},
}

// A persona advertises what its Kafka does, but for what is missing by name, and
// refuses what its Kafka refuses.
func TestPersonasAreTheKafkasThatTheyName(t *testing.T) {
	unseen := newDifferences()
	for _, p := range personas {
		t.Run(p.name, func(t *testing.T) {
			kafka := oracle.Run(t, oracle.Options{Version: p.version}).Bootstrap()
			ours := barnabas.Run(t, barnabas.Options{Properties: map[string]string{"barnabas.persona": p.name}}).Bootstrap()
			unseen.personas++
			for version := range p.apiVersions + 1 {
				t.Run(fmt.Sprintf("ApiVersions-%d", version), func(t *testing.T) {
					compareAPIs(t, apiVersions(t, kafka, version), apiVersions(t, ours, version), unseen)
				})
			}
			tooNew := apiVersionsRequest(p.apiVersions + 1)
			if theirs, our := outcome(t, kafka, tooNew), outcome(t, ours, tooNew); !bytes.Equal(theirs, our) {
				t.Errorf("ApiVersions %d is answered %x, by Kafka %x", tooNew.Version, our, theirs)
			}
			compareRefusals(t, kafka, ours)
			compareCodes(t, kafka, ours)
		})
	}
	if unseen.personas == len(personas) && !t.Failed() {
		for _, what := range unseen.names() {
			t.Errorf("%s is no difference any more: take it out of missing.go", what)
		}
	}
}

// differences are the entries of missing.go that no Kafka has shown yet.
type differences struct {
	personas int
	apis     map[int16]string
	features map[string]bool
}

func newDifferences() *differences {
	return &differences{apis: maps.Clone(missingAPIs), features: maps.Clone(missingFeatures)}
}

func (d *differences) names() (all []string) {
	for key, name := range d.apis {
		all = append(all, fmt.Sprintf("key %d (%s)", key, name))
	}
	for name := range d.features {
		all = append(all, "the feature "+name)
	}
	return all
}

func apiVersionsRequest(version int16) *kmsg.ApiVersionsRequest {
	q := kmsg.NewPtrApiVersionsRequest()
	q.Version = version
	q.ClientSoftwareName, q.ClientSoftwareVersion = "test", "1"
	return q
}

func apiVersions(t *testing.T, address string, version int16) *kmsg.ApiVersionsResponse {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close() //nolint:errcheck // only read from
	p, err := conn.Call(apiVersionsRequest(version))
	if err != nil {
		t.Fatal(err)
	}
	return p.(*kmsg.ApiVersionsResponse)
}

func dial(t *testing.T, address string) *wire.Conn {
	t.Helper()
	conn, err := wire.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func compareAPIs(t *testing.T, kafka, ours *kmsg.ApiVersionsResponse, unseen *differences) {
	t.Helper()
	if kafka.ErrorCode != 0 || ours.ErrorCode != 0 || len(kafka.ApiKeys) == 0 {
		t.Fatalf("error %d, of Kafka %d", ours.ErrorCode, kafka.ErrorCode)
	}
	left := make(map[int16]kmsg.ApiVersionsResponseApiKey)
	for _, k := range ours.ApiKeys {
		left[k.ApiKey] = k
	}
	for _, k := range kafka.ApiKeys {
		our, found := left[k.ApiKey]
		delete(left, k.ApiKey)
		if _, missing := missingAPIs[k.ApiKey]; missing && !found {
			delete(unseen.apis, k.ApiKey)
		} else if !found || our.MinVersion != k.MinVersion || our.MaxVersion != k.MaxVersion {
			t.Errorf("%s (key %d): versions %d to %d, advertised: %v; Kafka's are %d to %d",
				kmsg.NameForKey(k.ApiKey), k.ApiKey, our.MinVersion, our.MaxVersion, found, k.MinVersion, k.MaxVersion)
		}
	}
	for _, k := range left {
		t.Errorf("%s (key %d) is advertised, by Kafka not", kmsg.NameForKey(k.ApiKey), k.ApiKey)
	}
	compareFeatures(t, "supported", supported(kafka), supported(ours), unseen)
	compareFeatures(t, "finalized", finalized(kafka), finalized(ours), unseen)
	if (kafka.FinalizedFeaturesEpoch < 0) != (ours.FinalizedFeaturesEpoch < 0) {
		t.Errorf("the epoch of the features is %d, of Kafka %d", ours.FinalizedFeaturesEpoch, kafka.FinalizedFeaturesEpoch)
	}
}

type levels struct{ min, max int16 }

func supported(p *kmsg.ApiVersionsResponse) map[string]levels {
	all := make(map[string]levels)
	for _, f := range p.SupportedFeatures {
		all[f.Name] = levels{f.MinVersion, f.MaxVersion}
	}
	return all
}

func finalized(p *kmsg.ApiVersionsResponse) map[string]levels {
	all := make(map[string]levels)
	for _, f := range p.FinalizedFeatures {
		all[f.Name] = levels{f.MinVersionLevel, f.MaxVersionLevel}
	}
	return all
}

func compareFeatures(t *testing.T, kind string, kafka, ours map[string]levels, unseen *differences) {
	t.Helper()
	for name, their := range kafka {
		our, found := ours[name]
		switch {
		case missingFeatures[name] && !found:
			delete(unseen.features, name)
		case our != their || !found:
			t.Errorf("%s %s: %v (%v), of Kafka %v", kind, name, our, found, their)
		}
	}
	for name := range ours {
		if _, found := kafka[name]; !found {
			t.Errorf("%s %s is named, by Kafka not", kind, name)
		}
	}
}

// outcome is the body that answers a request, nil when the broker closes the connection.
func outcome(t *testing.T, address string, q kmsg.Request) []byte {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close() //nolint:errcheck // only read from
	if _, err := conn.Send(q); err != nil {
		t.Fatal(err)
	}
	_, rest, err := conn.Receive()
	switch {
	case wire.IsClosed(err):
		return nil
	case err != nil:
		t.Fatal(err)
	}
	return rest
}

// compareRefusals asks in the version after the last for everything that Barnabas
// can do without a persona: both close the connection.
func compareRefusals(t *testing.T, kafka, ours string) {
	t.Helper()
	all := barnabas.Run(t, barnabas.Options{}).Bootstrap()
	highest := make(map[int16]int16)
	for _, k := range apiVersions(t, ours, 3).ApiKeys {
		highest[k.ApiKey] = k.MaxVersion
	}
	for _, k := range apiVersions(t, all, 3).ApiKeys {
		q := kmsg.RequestForKey(k.ApiKey)
		if last, served := highest[k.ApiKey]; served {
			q.SetVersion(last + 1)
		}
		if k.ApiKey == int16(kmsg.ApiVersions) {
			continue
		}
		if theirs, our := outcome(t, kafka, q), outcome(t, ours, q); theirs != nil || our != nil {
			t.Errorf("%s version %d: answered by Kafka: %v, here: %v", kmsg.NameForKey(k.ApiKey), q.GetVersion(), theirs != nil, our != nil)
		}
	}
}

// compareCodes compares answers that depend on the release: versions that are
// advertised and refused, and the consumer protocol, for which 3.9 has no feature.
func compareCodes(t *testing.T, kafka, ours string) {
	t.Helper()
	for version := range int16(4) {
		q := kmsg.NewPtrProduceRequest()
		q.Version, q.Acks, q.TimeoutMillis = version, 1, 1000
		topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		topic.Topic, partition.Records = "none", []byte{}
		topic.Partitions = append(topic.Partitions, partition)
		q.Topics = append(q.Topics, topic)
		theirs, our := outcome(t, kafka, q), outcome(t, ours, q)
		t.Logf("Produce %d is answered by Kafka with %x", version, theirs)
		if !bytes.Equal(theirs, our) {
			t.Errorf("Produce %d is answered %x, by Kafka %x", version, our, theirs)
		}
	}
	heartbeat := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	heartbeat.Group, heartbeat.RebalanceTimeoutMillis = "g", 1000
	heartbeat.SubscribedTopicNames, heartbeat.Topics = []string{"none"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	describe := kmsg.NewPtrConsumerGroupDescribeRequest()
	describe.Groups = []string{"g"}
	for _, q := range []kmsg.Request{heartbeat, describe} {
		theirs, our := unsupported(t, kafka, q), unsupported(t, ours, q)
		t.Logf("%s is refused by Kafka: %v", kmsg.NameForKey(q.Key()), theirs)
		if theirs != our {
			t.Errorf("%s is refused: %v, by Kafka: %v", kmsg.NameForKey(q.Key()), our, theirs)
		}
	}
}

// unsupported tells whether a request of the consumer protocol is refused for what
// it is: by the end of the connection or with UNSUPPORTED_VERSION. Anything else
// speaks of the coordinator, which may not be there yet.
func unsupported(t *testing.T, address string, q kmsg.Request) bool {
	t.Helper()
	rest := outcome(t, address, q)
	if rest == nil {
		return true
	}
	body, err := wire.StripResponseHeader(q.Key(), q.IsFlexible(), rest)
	if err != nil {
		t.Fatal(err)
	}
	p, err := wire.DecodeBody(q, body)
	if err != nil {
		t.Fatal(err)
	}
	const unsupportedVersion = 35
	switch p := p.(type) {
	case *kmsg.ConsumerGroupHeartbeatResponse:
		return p.ErrorCode == unsupportedVersion
	case *kmsg.ConsumerGroupDescribeResponse:
		return p.Groups[0].ErrorCode == unsupportedVersion
	}
	t.Fatalf("%T", p)
	return false
}
