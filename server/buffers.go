package server

import (
	"math/bits"
	"sync"
	"unsafe"
)

// Buffers are pooled by power of two from 4 KiB to 16 MiB; larger ones are made and
// dropped, as they are rare. The pools are the runtime's: they hold at most what was
// in use at once since the last collections but one, which queued.max.request.bytes
// bounds, and the collector empties them, in a broker that idles within minutes.
const (
	bufferBytesMin = 4 << 10
	bufferBytesMax = 16 << 20
)

// bufferPools hold the first byte of each buffer, by class: a pointer goes into a
// pool without an allocation, a slice does not. Index 0 is 4 KiB, 12 is 16 MiB.
var bufferPools [13]sync.Pool

// bufferClass is the smallest class of at least n bytes.
func bufferClass(n int) int { return max(0, bits.Len(uint(n-1))-12) }

// borrow gives a buffer of at least n bytes; what is in it is arbitrary.
func borrow(n int) []byte {
	if n > bufferBytesMax {
		return make([]byte, n)
	}
	class := bufferClass(n)
	if first, _ := bufferPools[class].Get().(*byte); first != nil {
		return unsafe.Slice(first, bufferBytesMin<<class) // lend put in no smaller one
	}
	return make([]byte, bufferBytesMin<<class)
}

// lend takes a buffer that nobody uses any more, from wherever it comes: it goes to
// the largest class that it is enough for, and is dropped outside of them.
func lend(b []byte) {
	n := cap(b)
	if n < bufferBytesMin || n >= 2*bufferBytesMax {
		return
	}
	bufferPools[bits.Len(uint(n))-13].Put(unsafe.SliceData(b))
}
