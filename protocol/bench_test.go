package protocol

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkBatch is what a broker does with a batch before it stores it.
func BenchmarkBatch(b *testing.B) {
	for _, codec := range allCodecs {
		for _, size := range []int{100, 1024} {
			options := DefaultBatchOptions()
			options.Codec = codec
			w := NewBatchBuilder(options)
			value := bytes.Repeat([]byte("0123456789abcdef"), size/16)
			for range 1000 {
				w.Add(1_700_000_000_000, nil, value)
			}
			plain := w.Size()
			batch := w.Build(0, None)
			b.Run(fmt.Sprintf("check/%v/%d", codec, size), func(b *testing.B) {
				b.SetBytes(int64(len(batch)))
				for b.Loop() {
					_ = CheckBatch(batch)
				}
			})
			b.Run(fmt.Sprintf("validate/%v/%d", codec, size), func(b *testing.B) {
				b.SetBytes(int64(plain))
				b.ReportAllocs()
				for b.Loop() {
					_, _ = ValidateRecords(batch, anyRecord)
				}
			})
		}
	}
}
