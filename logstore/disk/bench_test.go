package disk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/clock"
	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/protocol"
)

// benchLog is a log with Kafka's default segments on the machine's disk.
func benchLog(b *testing.B) logstore.Log {
	b.Helper()
	store, err := disk.Open(disk.Options{FS: vfs.OS(), Dir: b.TempDir(), Clock: clock.Real(), Durability: disk.Cached, CleanShutdown: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // the files go anyway
		_ = store.Close(ended)
	})
	cfg := config()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.IndexBytesMax = 1<<30, 4096, 10<<20
	cfg.RetentionBytes = 1 << 30
	l, err := store.Open(partitionID(0), cfg)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func sized(bytes int) protocol.Batch {
	return values(dayMillis, string(make([]byte, bytes-75)))
}

func BenchmarkAppend(b *testing.B) {
	for _, kib := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("%dKiB", kib), func(b *testing.B) {
			l, data := benchLog(b), sized(kib<<10)
			var p logstore.Pending
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			appended := 0
			for b.Loop() {
				if appended += len(data); appended > 512<<20 {
					appended = 0
					if err := l.TruncateTo(0); err != nil {
						b.Fatal(err)
					}
				}
				if l.Append(logstore.AppendInput{Batch: data}, &p); p.Err != nil {
					b.Fatal(p.Err)
				}
			}
		})
	}
}

// BenchmarkRead finds ranges and reads none: what a fetch costs beside its bytes.
func BenchmarkRead(b *testing.B) {
	for _, kib := range []int{1, 16, 128} {
		l, data := benchLog(b), sized(kib<<10)
		var p logstore.Pending
		const batches = 1000
		for range batches {
			if l.Append(logstore.AppendInput{Batch: data}, &p); p.Err != nil {
				b.Fatal(p.Err)
			}
		}
		for name, maxBytes := range map[string]int{"one": 1, "1MiB": 1 << 20} {
			b.Run(fmt.Sprintf("%dKiB/%s", kib, name), func(b *testing.B) {
				b.ReportAllocs()
				from := protocol.Offset(0)
				for b.Loop() {
					from = (from + 37) % batches
					chunk, err := l.Read(logstore.ReadInput{From: from, Below: batches, MaxBytes: maxBytes, AtLeastOne: true})
					if err != nil {
						b.Fatal(err)
					}
					chunk.Release()
				}
			})
		}
	}
}
