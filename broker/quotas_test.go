package broker

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/quota"
)

// limit sets a limit for one client id, address or user.
func (c *client) limit(kind, name, key string, perSecond float64) {
	c.t.Helper()
	part := kmsg.NewAlterClientQuotasRequestEntryEntity()
	part.Type, part.Name = kind, &name
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value = key, perSecond
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entry.Entity, entry.Ops = append(entry.Entity, part), append(entry.Ops, op)
	q := kmsg.NewPtrAlterClientQuotasRequest()
	q.SetVersion(1)
	q.Entries = append(q.Entries, entry)
	if p := c.ask(q).(*kmsg.AlterClientQuotasResponse); p.Entries[0].ErrorCode != 0 {
		c.t.Fatalf("limiting %s: error %d", name, p.Entries[0].ErrorCode)
	}
}

// Limits hold from when they are set, after a restart too, over the windows of the
// settings; a reset takes them away.
func TestQuotasHold(t *testing.T) {
	files, manual := vfs.NewMem(), clock.NewManual(time.UnixMilli(1_700_000_000_000))
	start := func() *Broker {
		settings, err := config.Load(config.Input{
			Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev",
			Overrides: []string{"quota.window.num=3", "quota.window.size.seconds=2", "barnabas.durability=cached"},
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(Options{Settings: settings, FS: files, Clock: manual, Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := start()
	write := func() int32 {
		p := dial(t, b).ask(produceOf(1, 4000)).(*kmsg.ProduceResponse)
		if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 {
			t.Fatalf("writing: error %d", code)
		}
		return p.ThrottleMillis
	}
	dial(t, b).topic("t")
	if throttle := write(); throttle != 0 {
		t.Errorf("without limits: throttled for %d ms", throttle)
	}
	dial(t, b).limit("client-id", "test", "producer_byte_rate", 1000)
	// Some 4,100 bytes in 4 s of 1000; that comes again with each.
	if first, second := write(), write(); first < 50 || first > 500 || second < first+4000 {
		t.Errorf("throttled for %d ms and %d ms", first, second)
	}
	mustClose(t, b)
	b = start()
	defer func() { mustClose(t, b) }()
	if throttle := write(); throttle < 50 || throttle > 500 { // what was used is forgotten
		t.Errorf("after a restart: throttled for %d ms", throttle)
	}
	if err := b.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	dial(t, b).topic("t")
	if throttle := write(); throttle != 0 || b.quotas.IsLimiting() {
		t.Errorf("after a reset: throttled for %d ms", throttle)
	}
}

// The log says once that the name of a host is not limited, however often quotas are altered;
// and no more than a hundred times in all.
func TestQuotasOfHostNamesAreToldOnce(t *testing.T) {
	var log lockedLog
	b := openWithLogins(t, Options{FS: vfs.NewMem(), Log: slog.New(slog.NewTextHandler(&log, nil))}, "sasl.enabled.mechanisms=PLAIN")
	defer mustClose(t, b)
	c := dial(t, b)
	for i := range 3 {
		c.limit("ip", "localhost", "connection_creation_rate", float64(i+1))
		c.limit("ip", "127.0.0.9", "connection_creation_rate", float64(i+1))
	}
	if n := strings.Count(log.String(), "for the name of a host is not enforced"); n != 1 {
		t.Errorf("%d lines", n)
	}
	for i := range 200 {
		b.hostQuotas.isNew(strconv.Itoa(i))
	}
	if b.hostQuotas.isNew("another") || len(b.hostQuotas.names) > 100 {
		t.Errorf("%d names are remembered", len(b.hostQuotas.names))
	}
}

// A rate of 0 in the file lets each connection wait, and the largest number none, as in Kafka.
func TestConnectionRatesOfFiles(t *testing.T) {
	for _, c := range []struct {
		overrides            []string
		ofBroker, ofListener int
	}{
		{nil, math.MaxInt32, math.MaxInt32},
		{[]string{"max.connection.creation.rate=0"}, quota.AllTooFast, quota.AllTooFast},
		{[]string{"max.connection.creation.rate=7", "listener.name.plaintext.max.connection.creation.rate=0"}, 7, quota.AllTooFast},
	} {
		settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev", Overrides: c.overrides})
		if err != nil {
			t.Fatal(err)
		}
		of, err := settings.Broker(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rates := new(Broker).connectionLimits(of, nil).Rates; rates.Broker != c.ofBroker || rates.Listeners["PLAINTEXT"] != c.ofListener {
			t.Errorf("%v: %+v", c.overrides, rates)
		}
	}
}

// How fast connections of an address may come is limited from when it is set.
func TestTheConnectionRateOfAnAddressActs(t *testing.T) {
	manual := clock.NewManual(time.UnixMilli(1_700_000_000_000))
	settings, err := config.Load(config.Input{Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev", Overrides: []string{"quota.window.num=2"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(Options{Settings: settings, FS: vfs.NewMem(), Clock: manual, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, b)
	first := dial(t, b)
	first.limit("ip", "127.0.0.9", "connection_creation_rate", 1)
	first.limit("ip", "localhost", "connection_creation_rate", 1) // says nothing
	rates := b.connectionLimits(b.settings.Load(), b.metadata.Image()).Rates
	if len(rates.Addresses) != 1 || rates.Address != 0 {
		t.Errorf("the limits are %+v", rates)
	}
	dial(t, b).topic("another-address")
	first.limit("ip", "127.0.0.1", "connection_creation_rate", 1)
	dial(t, b).topic("first-of-its-second")
	tooMany := dial(t, b)
	refused := b.metrics.Counter("barnabas_connections_refused_total")
	for broken := time.Now().Add(20 * time.Second); refused.Value() == 0; runtime.Gosched() {
		if time.Now().After(broken) {
			t.Fatal("a connection too many is not refused")
		}
	}
	over := make(chan struct{})
	go func() {
		if _, err := tooMany.in.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a connection too many is served: %v", err)
		}
		close(over)
	}()
	for {
		select {
		case <-over:
			return
		default:
			manual.Advance(100 * time.Millisecond) // it is counted before its timer runs
			runtime.Gosched()
		}
	}
}
