package broker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// openPersonas starts a broker whose four listeners show everything, Kafka 2.8, 3.9 and 4.3.
func openPersonas(t *testing.T) *Broker {
	t.Helper()
	const free = "127.0.0.1:0"
	settings, err := config.Load(config.Input{
		Listen: []string{"ALL://" + free, "K28://" + free, "K39://" + free, "K43://" + free}, Data: dataDir, Profile: "dev",
		Overrides: []string{
			"barnabas.persona=kafka-3.9", "listener.name.all.barnabas.persona=",
			"listener.name.k28.barnabas.persona=kafka-2.8", "listener.name.k43.barnabas.persona=kafka-4.3",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(Options{Settings: settings, FS: vfs.NewMem(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, b) })
	return b
}

// dialListener connects to one of the broker's listeners.
func dialListener(t *testing.T, b *Broker, name string) *client {
	t.Helper()
	for _, l := range b.listeners {
		if l.Name != name {
			continue
		}
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Port)))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a broken test ends
		return &client{t: t, conn: conn, in: bufio.NewReader(conn)}
	}
	t.Fatalf("no listener %s", name)
	return nil
}

func (c *client) apiVersions(version int16) *kmsg.ApiVersionsResponse {
	c.t.Helper()
	q := kmsg.NewPtrApiVersionsRequest()
	q.SetVersion(version)
	q.ClientSoftwareName, q.ClientSoftwareVersion = "test", "1"
	return c.ask(q).(*kmsg.ApiVersionsResponse)
}

// exchange sends a request and returns the frame that answers it, nil when the broker
// closes the connection instead.
func (c *client) exchange(q kmsg.Request) []byte {
	c.t.Helper()
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, q, 1)
	if _, err := c.conn.Write(frame); err != nil {
		c.t.Fatal(err)
	}
	var length [4]byte
	_, err := io.ReadFull(c.in, length[:])
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	answer := make([]byte, binary.BigEndian.Uint32(length[:]))
	if err == nil {
		_, err = io.ReadFull(c.in, answer)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return answer
}

// What a listener advertises is answered, and nothing else. As in Kafka 4, Produce
// is advertised from 0 on and served from 3 on.
func TestListenersServeWhatTheyAdvertise(t *testing.T) {
	b := openPersonas(t)
	for _, listener := range []string{"ALL", "K28", "K39", "K43"} {
		c := dialListener(t, b, listener)
		advertised := make(map[int16]kmsg.ApiVersionsResponseApiKey)
		for _, k := range c.apiVersions(3).ApiKeys {
			advertised[k.ApiKey] = k
		}
		for key := int16(0); key <= kmsg.MaxKey+1; key++ {
			request := kmsg.RequestForKey(key)
			if request == nil {
				request = &strange{key: key}
			}
			if produce, ok := request.(*kmsg.ProduceRequest); ok {
				produce.Acks = 1
			}
			for version := int16(0); version <= request.MaxVersion()+1; version++ {
				k, found := advertised[key]
				want := found && k.MinVersion <= version && version <= k.MaxVersion || key == protocol.KeyApiVersions
				if listener == "K43" && key == 0 && version < 3 {
					want = false
				}
				request.SetVersion(version)
				if got := c.exchange(request) != nil; got != want {
					t.Errorf("%s: %s version %d: answered %v", listener, kmsg.NameForKey(key), version, got)
				} else if got {
					continue
				}
				c.conn.Close()
				c = dialListener(t, b, listener)
			}
		}
		c.conn.Close()
	}
}

// strange is a request that nobody knows.
type strange struct {
	kmsg.MetadataRequest
	key int16
}

func (s *strange) Key() int16 { return s.key }

// Features are those of the persona: 2.8 had none, 3.9 only how metadata are
// written. A client that asks too much of ApiVersions hears what the persona has.
func TestPersonasHaveTheirFeatures(t *testing.T) {
	b := openPersonas(t)
	for _, c := range []struct {
		listener    string
		transaction bool
		levels      map[string]int16 // finalized
		metadataMin int16            // 0 without the feature
		apiVersions int16
	}{
		{"ALL", true, map[string]int16{"metadata.version": 30, "transaction.version": 2, "group.version": 1, "share.version": 1, "eligible.leader.replicas.version": 1}, 7, 5},
		{"K28", false, map[string]int16{}, 0, 3},
		{"K39", false, map[string]int16{"metadata.version": 21}, 1, 4},
		{"K43", true, map[string]int16{"metadata.version": 30, "transaction.version": 2, "group.version": 1, "share.version": 1, "eligible.leader.replicas.version": 1}, 7, 4},
	} {
		client := dialListener(t, b, c.listener)
		p := client.apiVersions(min(c.apiVersions, 4))
		if len(p.FinalizedFeatures) != len(c.levels) || p.FinalizedFeaturesEpoch < 0 {
			t.Errorf("%s: finalized %+v, epoch %d", c.listener, p.FinalizedFeatures, p.FinalizedFeaturesEpoch)
		}
		for _, f := range p.FinalizedFeatures {
			if f.MaxVersionLevel != c.levels[f.Name] || f.MinVersionLevel != f.MaxVersionLevel {
				t.Errorf("%s: finalized %+v", c.listener, f)
			}
		}
		supported := make(map[string]kmsg.ApiVersionsResponseSupportedFeature)
		for _, f := range p.SupportedFeatures {
			supported[f.Name] = f
		}
		if _, has := supported["transaction.version"]; has != c.transaction || supported["metadata.version"].MinVersion != c.metadataMin {
			t.Errorf("%s: supported %+v", c.listener, supported)
		}
		client.conn.Close()
		client = dialListener(t, b, c.listener)
		q := kmsg.NewPtrApiVersionsRequest()
		q.SetVersion(c.apiVersions + 1)
		fallback := kmsg.NewPtrApiVersionsResponse() // in version 0
		if err := fallback.ReadFrom(client.exchange(q)[4:]); err != nil || fallback.ErrorCode != 35 ||
			len(fallback.ApiKeys) != 1 || fallback.ApiKeys[0].MaxVersion != c.apiVersions {
			t.Errorf("%s: ApiVersions %d is answered %+v, %v", c.listener, q.Version, fallback, err)
		}
		client.conn.Close()
	}
}

// The consumer protocol came to stay with group.version: Kafka 3.9 advertises it
// and answers UNSUPPORTED_VERSION, as recorded.
func TestPersonaWithoutGroupVersionRefusesTheConsumerProtocol(t *testing.T) {
	b := openPersonas(t)
	for listener, want := range map[string]int16{"ALL": 0, "K39": 35, "K43": 0} {
		c := dialListener(t, b, listener)
		find := kmsg.NewPtrFindCoordinatorRequest()
		find.CoordinatorKey = listener
		c.ask(find) // makes the topic of the groups
		q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		q.Group, q.RebalanceTimeoutMillis = listener, 1000
		q.SubscribedTopicNames, q.Topics = []string{"none"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		if p := c.ask(q).(*kmsg.ConsumerGroupHeartbeatResponse); p.ErrorCode != want {
			t.Errorf("%s: heartbeat: error %d", listener, p.ErrorCode)
		}
		describe := kmsg.NewPtrConsumerGroupDescribeRequest()
		describe.Groups = []string{listener}
		if p := c.ask(describe).(*kmsg.ConsumerGroupDescribeResponse); p.Groups[0].ErrorCode != want {
			t.Errorf("%s: describe: error %d", listener, p.Groups[0].ErrorCode)
		}
		c.conn.Close()
	}
}
