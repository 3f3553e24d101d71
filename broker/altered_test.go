package broker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// The metadata may hold an altered setting that asks for protection which cannot
// be given, as a directory that Kafka wrote does. A running broker keeps the
// settings it has; a start is refused by name, and never a crash.
func TestAlteredSettingsThatCannotBeServed(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files)
	value := "PLAINTEXT:SASL_PLAINTEXT"
	_, err := b.metadata.Propose(context.Background(), func(*metadata.Image) ([]metadata.Record, error) {
		return []metadata.Record{&metadata.ConfigRecord{
			ResourceType: metadata.ResourceBroker, ResourceName: "1", Name: "listener.security.protocol.map", Value: &value,
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.settings.Load() == nil {
		t.Fatal("the running broker has lost its settings")
	}
	dial(t, b).topic("still-served")
	mustClose(t, b)
	again, err := open(t, files)
	if err == nil {
		mustClose(t, again)
		t.Fatal("a broker serves openly what was configured closed")
	}
	t.Log(err)
}

func TestAlteredConnectionLimitsAct(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	first := dial(t, b)
	first.topic("t")
	if code := first.alter("", "max.connections.per.ip", ptr("1")); code != 0 {
		t.Fatalf("altering the limit: %d", code)
	}
	if _, err := dial(t, b).in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a second connection is served: %v", err)
	}
}

// alter sets a setting of a broker, or takes it back without a value.
func (c *client) alter(resource, key string, value *string) int16 {
	c.t.Helper()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, resource
	if key == "root" {
		r.ResourceType = kmsg.ConfigResourceTypeBrokerLogger
	}
	one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	one.Name, one.Value = key, value
	if value == nil {
		one.Op = kmsg.IncrementalAlterConfigOpDelete
	}
	r.Configs = append(r.Configs, one)
	q := kmsg.NewPtrIncrementalAlterConfigsRequest()
	q.Resources = append(q.Resources, r)
	q.SetVersion(1)
	return c.ask(q).(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode
}

func ptr[T any](v T) *T { return &v }

// The limits of one listener hold for it alone, and as long as they are set. A
// connection too many waits unaccepted, as with Kafka.
func TestAlteredLimitsOfAListenerAct(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	first, second := dial(t, b), dial(t, b)
	second.topic("served")
	const key = "listener.name.plaintext.max.connections"
	if code := first.alter("", key, ptr("2")); code != 0 {
		t.Fatalf("altering the limit: %d", code)
	}
	// The accept loop may wait in Accept already, and then takes one more.
	third, waiting := dial(t, b), dial(t, b)
	var served sync.WaitGroup
	served.Go(func() { third.topic("served") })
	served.Go(func() { waiting.topic("served") })
	if own := b.connectionLimits(b.settings.Load(), nil).Listeners["PLAINTEXT"]; own != 2 {
		t.Fatalf("the listener's limit is %d", own)
	}
	if code := first.alter("", key, nil); code != 0 {
		t.Fatalf("taking the limit back: %d", code)
	}
	served.Wait()
}

// What topics inherit from a broker setting acts on a topic that is there already,
// whether it was altered for this broker or for all.
func TestEveryAlteredDefaultOfTopicsActs(t *testing.T) {
	for _, place := range []string{"1", ""} {
		for name, story := range acting {
			if behindTopic(name) == "" || place == "1" && name == "min.insync.replicas" { // KIP-966: for all or for none
				continue
			}
			t.Run(name+" for broker "+strconv.Quote(place), func(t *testing.T) {
				w := newSettingsWorld(t)
				w.place = &place
				story(w)
			})
		}
	}
}

// samples are legal values where none can be made from the default.
var samples = map[string]string{
	"log.cleanup.policy": "compact", "log.message.timestamp.type": "LogAppendTime", "compression.type": "gzip", "compression.gzip.level": "5",
	"max.connections.per.ip.overrides": "10.0.0.1:5", "log.flush.interval.ms": "60000", "log.retention.bytes": "1000000",
	"log.retention.ms": "1000", "log.roll.ms": "1000", "log.roll.jitter.ms": "10", "log.cleaner.io.max.bytes.per.second": "1000",
}

func sampleOf(t *testing.T, k *config.Key) string {
	if v, ok := samples[k.Name]; ok {
		return v
	}
	switch k.Type {
	case config.TypeBoolean:
		return strconv.FormatBool(k.Default != "true")
	case config.TypeDouble:
		return "0.7"
	}
	n, err := strconv.ParseInt(k.Default, 10, 64)
	if err != nil {
		t.Fatalf("no value for %s is known", k.Name)
	}
	if n > 1<<30 {
		return strconv.FormatInt(n-1_000_000, 10)
	}
	return strconv.FormatInt(n+1, 10)
}

// stateOf is everything that the rooms of a broker read of its settings.
func stateOf(t *testing.T, b *Broker) string {
	s := b.settings.Load()
	var all []byte
	for _, part := range []any{s, s.Topic(nil), s.Group(nil)} {
		text, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return string(all)
}

// Every setting that acts and may be altered changes what the broker goes by at
// once, still does after a restart, and goes back when it is taken back.
func TestEveryAlteredSettingHolds(t *testing.T) {
	for _, k := range config.Keys() {
		if k.Scope&config.ScopeBroker == 0 || k.Update != config.ClusterWide || k.Effect != config.Acts {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			files := vfs.NewMem()
			b := mustOpen(t, files)
			before, value := stateOf(t, b), sampleOf(t, k)
			if code := dial(t, b).alter("", k.Name, &value); code != 0 {
				t.Fatalf("setting it to %s: error %d", value, code)
			}
			altered := stateOf(t, b)
			if altered == before {
				t.Fatalf("%s changes nothing", value)
			}
			mustClose(t, b)
			b = mustOpen(t, files)
			defer mustClose(t, b)
			if stateOf(t, b) != altered {
				t.Error("a restart forgets it")
			}
			if k.Name == "min.insync.replicas" {
				return // it may not be taken back (KIP-966)
			}
			if code := dial(t, b).alter("", k.Name, nil); code != 0 {
				t.Fatalf("taking it back: error %d", code)
			}
			if stateOf(t, b) != before {
				t.Error("it does not go back")
			}
		})
	}
}

// A producer id that has not written for producer.id.expiration.ms is forgotten,
// also when that was altered before the start.
func TestAnAlteredExpiryOfProducerIDsActs(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newSettingsWorld(t)
		w.topic()
		options := protocol.DefaultBatchOptions()
		options.ProducerID, options.ProducerEpoch, options.BaseSequence = 77, 0, 0
		builder := protocol.NewBatchBuilder(options)
		builder.Add(w.now(), nil, []byte("value"))
		if _, code := w.client.tryProduce("t", builder.Build(0, protocol.None)); code != 0 {
			t.Fatal(protocol.ErrorForCode(code))
		}
		w.want("producers before", w.producers(), 1)
		w.swept()
		w.want("producers that are not old", w.producers(), 1)
		w.want("altering it", w.client.alter("", "producer.id.expiration.ms", ptr("1000")), 0)
		if restart {
			w.reopen()
			w.want("producers after the restart", w.producers(), 1)
		}
		w.swept()
		w.want("producers after", w.producers(), 0)
	}
}

// producers counts the producer ids that partition 0 of t remembers.
func (w *settingsWorld) producers() int {
	w.t.Helper()
	one := kmsg.NewDescribeProducersRequestTopic()
	one.Topic, one.Partitions = "t", []int32{0}
	q := kmsg.NewPtrDescribeProducersRequest()
	q.Topics = append(q.Topics, one)
	p := w.client.ask(q).(*kmsg.DescribeProducersResponse).Topics[0].Partitions[0]
	w.want("error", p.ErrorCode, 0)
	return len(p.ActiveProducers)
}

// The level of the log is what a client sets, until the broker stops.
func TestTheLogLevelCanBeAltered(t *testing.T) {
	var log bytes.Buffer
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev"})
	must(t, err)
	b, err := Open(Options{Settings: settings, FS: vfs.NewMem(), LogLevel: level, Version: "test",
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))})
	must(t, err)
	c := dial(t, b)
	if code := c.alter("1", "root", ptr("ERROR")); code != 0 || level.Level() != slog.LevelError {
		t.Errorf("error %d, level %v", code, level.Level())
	}
	if code := c.alter("1", "root", ptr("LOUD")); code != protocol.ErrInvalidConfig.Code || level.Level() != slog.LevelError {
		t.Errorf("error %d, level %v", code, level.Level())
	}
	if code := c.alter("1", "root", ptr("DEBUG")); code != 0 || level.Level() != slog.LevelDebug {
		t.Errorf("error %d, level %v", code, level.Level())
	}
	mustClose(t, b)
}
