package protocol

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Batches beyond a megabyte are packed anew as a stream, into the same records.
func TestRecompressAStream(t *testing.T) {
	noise := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise[:1<<20]) // never fails; the rest is zeros
	for _, from := range []Codec{CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
		builder := NewBatchBuilder(BatchOptions{Codec: from, ProducerID: None})
		for i := range 30 {
			builder.Add(Timestamp(i), []byte{byte(i)}, noise[i*100_000:(i+1)*100_000])
		}
		b := builder.Build(0, None)
		want := collect(t, b, DecodeLimits{})
		for _, to := range allCodecs {
			made, err := Recompress(b, to, LevelDefault, 8<<20, DecodeLimits{})
			if err != nil {
				t.Errorf("%v to %v: %v", from, to, err)
				continue
			}
			if err := CheckBatch(made); err != nil || made.Codec() != to {
				t.Errorf("%v to %v: %v, codec %v", from, to, err, made.Codec())
			}
			if d := differ(want, collect(t, made, DecodeLimits{})); d != "" {
				t.Errorf("%v to %v: %s", from, to, d)
			}
			if _, err := Recompress(b, to, LevelDefault, 500_000, DecodeLimits{}); !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v to %v in too little room: %v", from, to, err)
			}
			if _, err := Recompress(b, to, LevelDefault, 8<<20, DecodeLimits{MaxBytes: 2 << 20}); !errors.Is(err, ErrMessageTooLarge) {
				t.Errorf("%v to %v over the limit: %v", from, to, err)
			}
		}
	}
}

// An encoder that has been used before, or was given up in the middle, packs as a new one.
func TestZstdStreamsAreUsedAgain(t *testing.T) {
	src := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(src[:1<<20]) // never fails; the rest is zeros
	for _, level := range []int{LevelDefault, 1, 22} {
		var fresh bytes.Buffer
		e := newZstdEncoder(zstdSpeed(level))
		e.Reset(&fresh)
		if _, err := e.ReadFrom(bytes.NewReader(src)); err != nil || e.Close() != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := compressStream(&boundedBuffer{bytesMax: 1000}, bytes.NewReader(src), CodecZstd, level); err != error(errBatchFull) { //nolint:errorlint // the very value
				t.Errorf("level %d in too little room: %v", level, err)
			}
			var out bytes.Buffer
			if err := compressStream(&out, bytes.NewReader(src), CodecZstd, level); err != nil || !bytes.Equal(out.Bytes(), fresh.Bytes()) {
				t.Errorf("level %d, the %dth time: %v, %d bytes instead of %d", level, i, err, out.Len(), fresh.Len())
			}
		}
	}
}

// wideBatch is a batch of size bytes of records with a zstd window that is too large to be
// streamed.
func wideBatch(t *testing.T, size int) Batch {
	t.Helper()
	var payload bytes.Buffer
	w, err := zstd.NewWriter(&payload, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(oneHugeRecord(size)) // into memory
	_ = w.Close()
	return bomb(CodecZstd, payload.Bytes())
}

// A window that is too large to stream is held, and so it may be less of what clients send.
// What the log has already is read within the limit for all.
func TestALargeWindowIsHeldWithinBounds(t *testing.T) {
	b := wideBatch(t, 33<<20)
	if !b.HasLargeWindow() || bomb(CodecZstd, appendCompressed(nil, make([]byte, 100), CodecZstd, LevelDefault)).HasLargeWindow() {
		t.Error("the window is taken for another")
	}
	rules := anyRecord
	rules.Limits = DecodeLimits{HeldBytes: 4 << 20}
	used, _, err := measure(func() error { _, err := ValidateRecords(b, rules); return err })
	if !errors.As(err, new(*DecodeLimitError)) || !errors.Is(err, ErrMessageTooLarge) || used > 16<<20 {
		t.Errorf("%v, %d MiB of memory", err, used>>20)
	}
	if _, err := ValidateRecords(b, anyRecord); err != nil {
		t.Errorf("what is stored: %v", err)
	}
	rules.Limits = DecodeLimits{MaxBytes: 4 << 20}
	if _, err := ValidateRecords(b, rules); !errors.As(err, new(*DecodeLimitError)) {
		t.Errorf("beyond the limit for all: %v", err)
	}
}

// Others go on in the midst of a batch, and its turn is given away and taken again, whatever
// is worked on.
func TestLongWorkIsPolite(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const size = 5 << 20
	random := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random) // never fails
	packed := appendCompressed(nil, random, CodecLZ4, LevelDefault)
	decompress := func(limits DecodeLimits) error {
		r, err := openPayload(CodecLZ4, packed, limits)
		if err != nil {
			return err
		}
		defer r.close()
		_, err = io.Copy(io.Discard, struct{ io.Reader }{r})
		return err
	}
	for name, work := range map[string]func(DecodeLimits) error{
		"decompressed": decompress,
		"compressed": func(l DecodeLimits) error {
			return compressStream(io.Discard, &inPieces{random, pauses{turn: l.Turn}}, CodecLZ4, LevelDefault)
		},
	} {
		var went atomic.Bool
		go went.Store(true) // ends at once
		if err := work(DecodeLimits{}); err != nil || !went.Load() {
			t.Errorf("%s: %v; another goroutine went on: %t", name, err, went.Load())
		}
		turn := &countedTurn{}
		if err := work(DecodeLimits{Turn: turn}); err != nil || turn.yields < size/politeBytes-1 || turn.yields > size/politeBytes {
			t.Errorf("%s: %v; the turn was given away %d times", name, err, turn.yields)
		}
	}
}

// countedTurn counts what is done with it.
type countedTurn struct{ yields, left, taken int }

func (c *countedTurn) Yield() { c.yields++ }
func (c *countedTurn) Leave() { c.left++ }
func (c *countedTurn) Take()  { c.taken++ }

// Who waits for the only large window has no turn meanwhile.
func TestALargeWindowIsWaitedForWithoutATurn(t *testing.T) {
	rules := anyRecord
	turn := &countedTurn{}
	left := make(chan struct{})
	rules.Limits.Turn = leavingTurn{turn, left}
	largeWindow.Lock()
	go func() { // ends with the wait
		<-left
		largeWindow.Unlock()
	}()
	if _, err := ValidateRecords(wideBatch(t, 17<<20), rules); err != nil || turn.left != 1 || turn.taken != 1 {
		t.Errorf("%v; the turn was left %d times and taken %d times", err, turn.left, turn.taken)
	}
}

// leavingTurn tells when it is left.
type leavingTurn struct {
	*countedTurn
	left chan struct{}
}

func (l leavingTurn) Leave() { l.countedTurn.Leave(); close(l.left) }

// What is less than a megabyte is unpacked into the same records, which pack into any codec
// while others are unpacked; the batch itself stays as it is.
func TestUnpack(t *testing.T) {
	noise := make([]byte, 200_000)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(noise) // never fails; in a room of the pool
	large := []Record{{Timestamp: 1, Key: []byte("k"), Value: noise}, {Offset: 1, Timestamp: 2, Value: noise}}
	for _, from := range []Codec{CodecGzip, CodecSnappy, CodecLZ4, CodecZstd} {
		for _, records := range [][]Record{storyRecords(), large} {
			b := buildBatch(from, records)
			kept := bytes.Clone(b)
			u, ok := Unpack(b, DecodeLimits{})
			another, also := Unpack(buildBatch(from, large), DecodeLimits{})
			if !ok || !also {
				t.Fatalf("%v: %v, %v", from, ok, also)
			}
			want := bytes.Clone(another.Payload())
			for _, to := range allCodecs {
				made, err := Recompress(u.Batch, to, LevelDefault, 1<<20, DecodeLimits{})
				if err != nil {
					t.Fatal(err)
				}
				if err := CheckBatch(made); err != nil || made.Codec() != to || !bytes.Equal(kept, b) {
					t.Errorf("%v to %v: %v, codec %v", from, to, err, made.Codec())
				}
				if d := differ(records, collect(t, made, DecodeLimits{})); d != "" {
					t.Errorf("%v to %v: %s", from, to, d)
				}
			}
			if !bytes.Equal(want, another.Payload()) {
				t.Errorf("%v: what is unpacked beside it has changed", from)
			}
			another.Release()
			u.Release()
			if _, ok := Unpack(b, DecodeLimits{MaxBytes: 100}); ok {
				t.Errorf("%v: over the limit", from)
			}
			if _, ok := Unpack(b[:len(b)-5], DecodeLimits{}); ok {
				t.Errorf("%v: cut off", from)
			}
		}
		for size, want := range map[int]bool{heldAtOnce - 1: true, heldAtOnce: false, heldAtOnce + 1: false, 4 * heldAtOnce: false} {
			u, ok := Unpack(bomb(from, appendCompressed(nil, make([]byte, size), from, LevelDefault)), DecodeLimits{})
			if ok != want || ok && len(u.Payload()) != size {
				t.Errorf("%v of %d bytes: %v", from, size, ok)
			}
			if ok {
				u.Release()
			}
		}
	}
}

// What is decompressed as a whole, whatever is read of it, is not unpacked in vain.
func TestUnpackDecodesNothingInVain(t *testing.T) {
	much := make([]byte, 4<<20)
	raw := bomb(CodecSnappy, s2.EncodeSnappy(nil, much))
	for name, b := range map[string]Batch{"snappy in one block": raw, "a large window": wideBatch(t, 4<<20)} {
		used, _, _ := measure(func() error {
			if _, ok := Unpack(b, DecodeLimits{}); ok {
				t.Errorf("%s is unpacked", name)
			}
			return nil
		})
		if used > 1<<20 {
			t.Errorf("%s: %d bytes of memory", name, used)
		}
	}
}
