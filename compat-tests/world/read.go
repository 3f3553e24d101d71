package world

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Reader reads what is committed in a topic from its start.
func (w *World) Reader(topic string, options ...kgo.Opt) *kgo.Client {
	w.Helper()
	reader, err := kgo.NewClient(append(options, kgo.SeedBrokers(w.Broker.Bootstrap()), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200*time.Millisecond))...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(reader.Close)
	return reader
}

// untilStable waits until no transaction is open in a topic, and returns where its partitions end.
func (w *World) untilStable(topic string) map[int32]int64 {
	w.Helper()
	for end := time.Now().Add(SettleTimeout); ; {
		stable, err := w.Admin.ListCommittedOffsets(w.Context(), topic)
		if err != nil {
			w.Fatal(err)
		}
		high, err := w.Admin.ListEndOffsets(w.Context(), topic)
		if err != nil {
			w.Fatal(err)
		}
		open := false
		ends := map[int32]int64{}
		high.Each(func(h kadm.ListedOffset) {
			s, _ := stable.Lookup(topic, h.Partition)
			open = open || h.Err != nil || s.Offset != h.Offset
			ends[h.Partition] = h.Offset
		})
		if !open {
			return ends
		}
		if time.Now().After(end) {
			w.Fatalf("transactions in %s are still open: stable up to %v of %v", topic, stable, high)
		}
	}
}

// ReadAll waits until no transaction is open in a topic and visits all that is committed.
func (w *World) ReadAll(topic string, visit func(*kgo.Record)) {
	w.Helper()
	ends := w.untilStable(topic)
	next := map[int32]int64{}
	// Control records show where the reader is behind the last record.
	reader := w.Reader(topic, kgo.KeepControlRecords())
	defer reader.Close()
	ok := Poll(w.Context(), reader, SettleTimeout, func(r *kgo.Record) {
		next[r.Partition] = r.Offset + 1
		if !r.Attrs.IsControl() {
			visit(r)
		}
	}, func() bool {
		for p, end := range ends {
			if next[p] < end {
				return false
			}
		}
		return true
	})
	if !ok {
		w.Fatalf("%s was read up to %v of %v", topic, next, ends)
	}
}

// Poll visits what is committed until there is enough or the time is over.
func Poll(ctx context.Context, reader *kgo.Client, limit time.Duration, visit func(*kgo.Record), enough func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !enough() {
		reader.PollFetches(ctx).EachRecord(visit) // errors are news of a broker that is down
		if ctx.Err() != nil {
			return enough()
		}
	}
	return true
}
