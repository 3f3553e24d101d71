package metadata

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// One topic created after another, among those that are there already.
func BenchmarkCreateTopic(b *testing.B) {
	for _, present := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprint(present), func(b *testing.B) {
			w := newWorld(b)
			w.options.SnapshotBytes = 1 << 40
			s := w.open()
			fill(b, s, present)
			i := 0
			for b.Loop() {
				create(b, s, fmt.Sprintf("new-%d", i), 1)
				i++
			}
		})
	}
}

// fill creates topics of one partition, a thousand in a proposal.
func fill(b testing.TB, s *Store, topics int) {
	for n := 0; n < topics; n += 1000 {
		_, err := s.Propose(context.Background(), func(img *Image) ([]Record, error) {
			list := make([]NewTopic, 1000)
			for i := range list {
				list[i] = NewTopic{Name: fmt.Sprintf("topic-%06d", n+i), Partitions: 1, ReplicationFactor: 1}
			}
			records, _, err := CreateTopics(img, list, CreateOptions{NewID: protocol.NewUUID})
			return records, err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTopicLookup(b *testing.B) {
	s := newWorld(b).open()
	fill(b, s, 100_000)
	img, name, id := s.Image(), []byte("topic-054321"), s.Image().Topic("topic-054321").ID
	b.Run("name", func(b *testing.B) {
		for b.Loop() {
			if img.TopicBytes(name) == nil {
				b.Fatal("not found")
			}
		}
	})
	b.Run("id", func(b *testing.B) {
		for b.Loop() {
			if img.TopicByID(id) == nil {
				b.Fatal("not found")
			}
		}
	})
}

// Memory of an image, and the time to replay it, with 100,000 topics.
func BenchmarkImage100k(b *testing.B) {
	w := newWorld(b)
	w.options.SnapshotBytes = 1 << 40
	s := w.open()
	fill(b, s, 100_000)
	w.close(s)
	var before, with runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		rec, err := recoverFolder(&s.o)
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&with)
		b.ReportMetric(float64(with.HeapAlloc-before.HeapAlloc)/100_000, "B/topic")
		runtime.KeepAlive(rec)
		b.StartTimer()
	}
}

func BenchmarkSnapshot100k(b *testing.B) {
	s := newWorld(b).open()
	fill(b, s, 100_000)
	for b.Loop() {
		size := 0
		if err := s.Image().snapshotBatches(1, func(batch protocol.Batch) error {
			size += len(batch)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(size)/100_000, "B/topic")
	}
}
