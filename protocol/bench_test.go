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
			batch, plain := benchmarkBatch(codec, size)
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

// benchmarkBatch holds 128 KiB of JSON in records of a size, which compress to about a
// fifth; plain is what they take without that.
func benchmarkBatch(codec Codec, size int) (batch Batch, plain int) {
	options := DefaultBatchOptions()
	options.Codec = codec
	w := NewBatchBuilder(options)
	for i := range 128 << 10 / size {
		w.Add(1_700_000_000_000, nil, benchmarkValue(i, size))
	}
	plain = w.Size()
	return w.Build(0, None), plain
}

// benchmarkValue is JSON: names that repeat, numbers that do not.
func benchmarkValue(i, size int) []byte {
	random := uint32(i)*2654435761 + 1
	var v bytes.Buffer
	for v.Len() < size {
		random = random*1664525 + 1013904223
		fmt.Fprintf(&v, `{"article":"a-%06x","count":%d,"price":%d.%02d,"currency":"EUR"},`,
			random>>8, 1+(random>>29), random>>20&0x3ff, (random>>10)%100)
	}
	return v.Bytes()[:size]
}
