package broker

import (
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// Scraping opens nothing: not the logs that nobody has used since the start, not the
// coordinators. What is known of them without is shown, the rest is left out.
func TestAScrapeOpensNothing(t *testing.T) {
	dir := t.TempDir()
	with := withHTTP("barnabas.metrics.compat=jmx,kafka_exporter")
	b := mustStart(t, InDir(dir), with, WithTopic("orders", 2))
	c := dial(t, b)
	for range 5 {
		c.produce("orders", "a record")
	}
	c.commit("workers", "orders", 2)
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}

	b = mustStart(t, InDir(dir), with)
	values, families := scrape(t, b)
	used := 0
	for topic := range b.metadata.Image().Topics() {
		for i := range topic.Partitions {
			if b.partitions.Get(topic.ID, int32(i)).Known().Used {
				used++
			}
		}
	}
	if used > 0 {
		t.Errorf("%d logs were opened", used)
	}
	for name, want := range map[string]float64{
		`kafka_topic_partition_current_offset{topic="orders",partition="0"}`: 5, `kafka_log_log_logendoffset{topic="orders",partition="0"}`: 5,
		`kafka_topic_partition_current_offset{topic="orders",partition="1"}`: 0, `kafka_server_replicamanager_offlinereplicacount`: 0,
		`kafka_controller_kafkacontroller_offlinepartitionscount`: 0,
	} {
		if got, there := values[name]; !there || got != want {
			t.Errorf("%s is %v (there: %v), want %v", name, got, there, want)
		}
	}
	for _, name := range families {
		if strings.HasPrefix(name, "kafka_consumergroup_") || name == "kafka_log_log_size" {
			t.Errorf("%s is there, and nobody can know it", name)
		}
	}

	// Once somebody uses the group, and the log is still not open, the lag is the estimate's.
	dial(t, b).commit("workers", "orders", 3)
	values, _ = scrape(t, b)
	if got := values[`kafka_consumergroup_lag{consumergroup="workers",topic="orders",partition="0"}`]; got != 2 {
		t.Errorf("the lag is %v", got)
	}
}

// After a crash an end that no checkpoint tells is left out: 0 would be a lie.
func TestAScrapeAfterACrashSaysOnlyWhatIsKnown(t *testing.T) {
	files := vfs.NewMem()
	on := func(files vfs.FS) Option { return func(s *start) { s.options.FS = files } }
	b := mustStart(t, withHTTP(), InDir("data"), on(files), WithTopic("orders", 1))
	dial(t, b).produce("orders", "a record")
	b = mustStart(t, withHTTP(), InDir("data"), on(files.CrashCopy(vfs.CrashKeepAll, nil)))
	look, err := b.look(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if p := look.Topics[0].Partitions[0]; p.Used || p.Offline || p.High != -1 {
		t.Errorf("the partition is %+v", p)
	}
	dial(t, b).values("orders")
	if look, err = b.look(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if p := look.Topics[0].Partitions[0]; !p.Used || p.High != 1 {
		t.Errorf("in use, it is %+v", p)
	}
}

// Before there is anything to reset, nothing is reset.
func TestABrokerThatStartsIsNotReset(t *testing.T) {
	b := mustStart(t)
	b.started.Store(false)
	if err := b.Reset(t.Context()); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("the reset says %v", err)
	}
	b.started.Store(true)
}
