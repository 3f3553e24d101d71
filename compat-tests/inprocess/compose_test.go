package inprocess

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/broker"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/composefile"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const composeFolder = "../../config/testdata/compose"

// The environments of compose files and launchers, as found in the wild: the broker
// starts with each, and a client that knows nothing but an advertised address writes
// and reads a record through it. Ports are remapped to free ones; the client's
// dialer stands in for the names and port mappings that a container network would have.
func TestBrokersOfComposeFilesServeWhatTheyAdvertise(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(composeFolder, "*.env"))
	if err != nil {
		t.Fatal(err)
	}
	served := 0
	for _, name := range names {
		short := strings.TrimSuffix(filepath.Base(name), ".env")
		if strings.HasPrefix(short, "refused-") {
			continue
		}
		served++
		t.Run(short, func(t *testing.T) { serveCompose(t, composeInput(t, name)) })
	}
	if served < 20 {
		t.Errorf("%d files, and at least 20 were meant", served)
	}
}

// composeInput is what a start is given that an example describes.
func composeInput(t *testing.T, name string) config.Input {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := composefile.Parse(text)
	in := config.Input{Profile: "dev", Environ: f.Environ, ReadFile: f.ReadFile}
	for _, family := range []config.Family{config.Apache, config.Confluent, config.ConfluentLocal, config.Bitnami, config.Redpanda} {
		if family.String() == f.Family {
			in.Family = family
		}
	}
	if in.Family == config.Redpanda {
		start, err := config.FromRedpanda(f.Args, in.Environ)
		if err != nil {
			t.Fatal(err)
		}
		in.Given = start.Settings
	}
	return in
}

// remapped moves the listeners to free ports of this machine. The answer is where
// what clients are told leads to: address told -> address bound.
func remapped(t *testing.T, in *config.Input) (reach map[string]string) {
	t.Helper()
	original := load(t, *in).Listeners
	ports, err := testbed.FreePorts(len(original))
	if err != nil {
		t.Fatal(err)
	}
	var listeners []string
	bound := map[string]string{}
	for i, l := range original {
		host := l.Host
		if host != "" && host != "0.0.0.0" {
			host = loopback // the container's own name, or its loopback
		}
		listeners = append(listeners, fmt.Sprintf("%s://%s:%d", l.Name, host, ports[i]))
		bound[l.Name] = fmt.Sprintf("%s:%d", loopback, ports[i])
	}
	in.Given = append(in.Given, config.Setting{
		Name: "listeners", Value: strings.Join(listeners, ","), Origin: config.Origin{Kind: config.FromFlag, Name: "test"},
	})
	reach = map[string]string{}
	for _, a := range load(t, *in).AdvertisedListeners {
		host := a.Host
		if host == "" {
			host = loopback // nothing is configured: the address that the client reached
		}
		reach[net.JoinHostPort(host, fmt.Sprint(a.Port))] = bound[a.Name]
	}
	if len(reach) != len(original) {
		t.Errorf("%d listeners, and %d addresses are advertised: %v", len(original), len(reach), reach)
	}
	return reach
}

const loopback = "127.0.0.1"

func load(t *testing.T, in config.Input) *config.Broker {
	t.Helper()
	s, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Broker(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serveCompose starts the broker and lets a client of each listener work.
func serveCompose(t *testing.T, in config.Input) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reach := remapped(t, &in)
	settings, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open(broker.Options{Settings: settings, FS: vfs.NewMem(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(ctx); err != nil {
			t.Errorf("stopping the broker: %v", err)
		}
	}()
	for told := range reach {
		writeAndRead(ctx, t, told, reach)
	}
}

// writeAndRead is a client that was given one advertised address. Any other address
// leads nowhere, so that what the broker tells it must be that very one.
func writeAndRead(ctx context.Context, t *testing.T, told string, reach map[string]string) {
	t.Helper()
	topic := "through-" + strings.NewReplacer(":", "-", "[", "", "]", "").Replace(told)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != told {
			return nil, fmt.Errorf("the client was given %s and is told %s", told, address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, reach[told])
	}
	c := client(t, told, kgo.Dialer(dial), kgo.ConsumeTopics(topic), kgo.ConsumerGroup("group-"+topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RetryTimeout(10*time.Second))
	defer c.Close()
	if _, err := kadm.NewClient(c).CreateTopic(ctx, 1, 1, nil, topic); err != nil {
		t.Errorf("%s: creating a topic: %v", told, err)
		return
	}
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(told)}).FirstErr(); err != nil {
		t.Errorf("%s: writing: %v", told, err)
		return
	}
	fetches := c.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		t.Errorf("%s: reading: %v", told, err)
		return
	}
	if got := fetches.Records(); len(got) != 1 || string(got[0].Value) != told {
		t.Errorf("%s: %d records were read", told, len(got))
	}
}
