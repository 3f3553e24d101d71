package protocol

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// DecodeLimits bounds what one batch may become when it is decompressed.
type DecodeLimits struct {
	// MaxBytes is the most that the records of one batch may decompress to; zero
	// is DecodedBytesMax.
	MaxBytes int
	// HeldBytes is the most that may be held as a whole, where a zstd window is too large to
	// be streamed; zero is MaxBytes. What clients send is held to less than what the log has,
	// which must stay readable.
	HeldBytes int
	// Turn is the right to work that the caller has, nil without one.
	Turn Turn
}

// Turn is a right to work on what takes long, of which there are few.
type Turn interface {
	// Yield lets others go first, in the midst of the work.
	Yield()
	// Leave gives the right back before something else is waited for, and Take waits for it.
	Leave()
	Take()
}

// politeBytes is what one batch is worked on in a go.
const politeBytes = 1 << 20

// pauses are those in the work on one batch.
type pauses struct {
	turn  Turn // DecodeLimits.Turn
	bytes int  // since the last one
}

// after is for after so many bytes. Beyond politeBytes whoever can go on goes first, piece by
// piece: the runtime would let each wait for ten milliseconds. The turn is given away less
// often, because who waits for it may take as long as all of that.
func (p *pauses) after(n int) {
	p.bytes += n
	if p.bytes >= politeBytes && p.turn != nil {
		p.bytes = 0
		p.turn.Yield()
		return
	}
	runtime.Gosched()
}

// DecodedBytesMax is the default of DecodeLimits. A batch of the default
// max.message.bytes (1 MiB) may shrink its records by 128 to one, which real
// data hardly does, and the largest such batch still decodes in a fraction of a
// second. Validation needs no memory of this size: it decodes as a stream.
const DecodedBytesMax = 128 << 20

// HeldBytesMax bounds what is held in memory as a whole of what clients send: the output of
// ConvertMessageSet, and that of a zstd window that is too large to be streamed.
const HeldBytesMax = 32 << 20

// held is the limits for output that is held.
func (l DecodeLimits) held() DecodeLimits {
	l.MaxBytes = min(l.bytes(), HeldBytesMax)
	return l
}

func (l DecodeLimits) bytes() int {
	if l.MaxBytes <= 0 {
		return DecodedBytesMax
	}
	return l.MaxBytes
}

// zstdWindowStreamed is the largest window that is decoded as a stream, which
// allocates the window at once. It is what the format's RFC 8878 asks decoders to
// support. Larger ones, up to zstdWindowMax, come from levels 20 to 22 and are
// decoded into a buffer that grows with the output, one at a time.
const (
	zstdWindowStreamed = 8 << 20
	zstdWindowMax      = 128 << 20
)

// payloadReader decompresses one payload as a stream and stops at a limit. It
// comes from a pool: open, read, close.
type payloadReader struct {
	codec  Codec
	src    bytes.Reader
	stream io.Reader
	limit  int
	left   int // Invariant: bytes that may still come out, at least 0
	held   int // is limit for output that is held
	pauses pauses
	large  bool // largeWindow is locked

	gzip   *gzip.Reader
	lz4    *lz4.Reader
	zstd   *zstd.Decoder
	snappy snappyReader
	plain  bytes.Reader // the output of a large-window zstd payload
}

// payloadReaders has a pool per codec, because decoders are large.
var payloadReaders [CodecZstd + 1]sync.Pool

// openPayload starts to decompress payload. The codec must not be CodecNone.
func openPayload(codec Codec, payload []byte, limits DecodeLimits) (*payloadReader, error) {
	if !codec.Known() || codec == CodecNone {
		return nil, ErrUnsupportedCompressionType.WithMessage("the batch is compressed with the unknown codec %d", int8(codec))
	}
	r, _ := payloadReaders[codec].Get().(*payloadReader)
	if r == nil {
		r = &payloadReader{codec: codec}
	}
	r.src.Reset(payload)
	r.limit = limits.bytes()
	r.held, r.left = r.limit, r.limit
	r.pauses = pauses{turn: limits.Turn}
	if limits.HeldBytes > 0 {
		r.held = min(r.held, limits.HeldBytes)
	}
	if err := r.start(payload); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// start points the codec's decoder at the payload.
func (r *payloadReader) start(payload []byte) (err error) {
	switch r.codec {
	case CodecGzip:
		if r.gzip == nil {
			r.gzip = new(gzip.Reader)
		}
		err, r.stream = r.gzip.Reset(&r.src), r.gzip
	case CodecSnappy:
		r.snappy.reset(payload, r.limit)
		r.stream = &r.snappy
	case CodecLZ4:
		if err := checkLZ4Header(payload); err != nil {
			return r.corrupt(err)
		}
		if r.lz4 == nil {
			r.lz4 = lz4.NewReader(nil)
		}
		r.lz4.Reset(&r.src)
		r.stream = r.lz4
	case CodecZstd:
		return r.startZstd(payload)
	}
	if err != nil {
		return r.corrupt(err)
	}
	return nil
}

func (r *payloadReader) startZstd(payload []byte) error {
	large, err := hasLargeWindow(payload)
	if err != nil {
		return r.corrupt(err)
	}
	if large {
		r.lockLargeWindow()
		r.large, r.limit, r.left = true, r.held, r.held
		out, err := decodeLargeWindow(payload, r.limit)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			return r.tooLarge()
		} else if err != nil {
			return r.corrupt(err)
		}
		r.plain.Reset(out)
		r.stream = &r.plain
		return nil
	}
	if r.zstd == nil {
		// One at a time means no goroutines; no buffering of the whole output.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindowStreamed), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			return r.corrupt(err)
		}
		r.zstd = d
	}
	if err := r.zstd.Reset(&r.src); err != nil {
		return r.corrupt(err)
	}
	r.stream = r.zstd
	return nil
}

// Read gives the next decompressed bytes. Its errors are io.EOF, a *DecodeLimitError or an *Error.
func (r *payloadReader) Read(p []byte) (int, error) {
	if len(p) > r.left+1 { // one more than allowed tells the end from an excess
		p = p[:r.left+1]
	}
	n, err := r.stream.Read(p)
	if n > r.left {
		return 0, r.tooLarge()
	}
	r.left -= n
	if r.limit-r.left > politeBytes {
		r.pauses.after(n)
	}
	switch {
	case err == nil || err == io.EOF: //nolint:errorlint // a wrapped EOF is damage
		return n, err
	case errors.Is(err, errSnappyTooLarge):
		return n, r.tooLarge()
	}
	return n, r.corrupt(err)
}

// lockLargeWindow waits without a turn: who has the window may wait for one.
func (r *payloadReader) lockLargeWindow() {
	if largeWindow.TryLock() {
		return
	}
	if turn := r.pauses.turn; turn != nil {
		turn.Leave()
		defer turn.Take()
	}
	largeWindow.Lock()
}

// close gives the reader back to its pool, without the payload.
func (r *payloadReader) close() {
	r.pauses = pauses{}
	r.src.Reset(nil)
	r.plain.Reset(nil)
	r.stream = nil
	r.snappy.release()
	if r.large {
		largeWindow.Unlock()
		r.large = false
	}
	payloadReaders[r.codec].Put(r)
}

func (r *payloadReader) corrupt(err error) error {
	return ErrCorruptMessage.WithMessage("the %s records cannot be decompressed: %v", r.codec, err)
}

func (r *payloadReader) tooLarge() error {
	return &DecodeLimitError{ErrMessageTooLarge.WithMessage("the %s records decompress to more than %d bytes", r.codec, r.limit)}
}

// DecodeLimitError says that records decompress to more than the DecodeLimits allow. It is
// MESSAGE_TOO_LARGE to clients, as a batch is that is too large in itself; only of the former
// is there something to hope for from other limits.
type DecodeLimitError struct{ answer *Error }

func (e *DecodeLimitError) Error() string { return e.answer.Error() }

// Unwrap gives the *Error that clients are told.
func (e *DecodeLimitError) Unwrap() error { return e.answer }

// HasLargeWindow tells whether the records of a batch are held as a whole to decompress
// them, which is done for one batch at a time.
func (b Batch) HasLargeWindow() bool {
	if b.Codec() != CodecZstd {
		return false
	}
	large, err := hasLargeWindow(b.Payload())
	return err == nil && large
}

func hasLargeWindow(payload []byte) (bool, error) {
	var header zstd.Header
	err := header.Decode(payload)
	return header.WindowSize > zstdWindowStreamed, err
}

// largeWindow is locked while there is a buffer of decodeLargeWindow: they are too large
// to let every connection have one. Who waits for it has no turn of heavy work, or it and a
// turn could be waited for crosswise.
var largeWindow sync.Mutex

// zstdBlockBytesMax is the most that one block decompresses to (RFC 8878).
const zstdBlockBytesMax = 128 << 10

// decodeLargeWindow decodes the whole payload into a buffer that grows with what
// really comes out instead of with what the header claims. Output beyond the limit
// is zstd.ErrDecoderSizeExceeded, or is returned for the caller to notice.
func decodeLargeWindow(payload []byte, limit int) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindowMax), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	for size := min(4<<20, limit); ; size = min(size*4, limit) {
		out, err := d.DecodeAll(payload, make([]byte, 0, size+zstdBlockBytesMax))
		// A block that does not fit into the rest of the buffer fails with a plain
		// error; then what came before it has used up at least size.
		full := errors.Is(err, zstd.ErrDecoderSizeExceeded) || len(out) > size
		switch {
		case err == nil || !full:
			return out, err
		case size == limit:
			return nil, zstd.ErrDecoderSizeExceeded
		}
	}
}

var (
	errLZ4Magic     = errors.New("no lz4 frame")
	errLZ4Dependent = errors.New("lz4 blocks that depend on each other are not allowed")
)

// checkLZ4Header refuses what Kafka's Java clients could not read back: old or
// skippable frames, and blocks that depend on each other.
func checkLZ4Header(payload []byte) error {
	const magicAndFlags = 5
	if len(payload) < magicAndFlags || !bytes.HasPrefix(payload, lz4Magic) {
		return errLZ4Magic
	}
	if payload[4]&lz4BlockIndependence == 0 {
		return errLZ4Dependent
	}
	return nil
}

var lz4Magic = []byte{0x04, 0x22, 0x4d, 0x18}

const (
	lz4BlockIndependence = 1 << 5
	lz4ContentSize       = 1 << 3
)

// readAll appends everything that r has to dst.
func readAll(r io.Reader, dst []byte) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err == io.EOF { //nolint:errorlint // payloadReader gives it bare
			return dst, nil
		} else if err != nil {
			return nil, err
		}
	}
}
