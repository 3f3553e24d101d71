package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"
)

// input cuts what arrives on a connection into frames.
//
// An idle connection holds only the small array; a larger buffer is borrowed
// while bytes wait in it and grows with what has arrived, never with what the
// length in front promises, so that a peer costs what it sent. A size that the
// peer has sent whole before is trusted and borrowed at once.
type input struct {
	small [512]byte
	buf   []byte // small[:] or borrowed
	r, w  int    // unread bytes are buf[r:w]
	// trusted is the largest frame received whole so far.
	trusted int
}

const frameLengthBytes = 4

// frameBytesMin is what the shortest request header takes: key, version, correlation id.
const frameBytesMin = 8

// next returns the next whole frame without its length, or nil when more bytes
// are needed. The frame is valid until the next call of fill.
func (in *input) next(limit int) ([]byte, error) {
	have := in.buf[in.r:in.w]
	if len(have) < frameLengthBytes {
		return nil, nil
	}
	n := int(int32(binary.BigEndian.Uint32(have)))
	if n < frameBytesMin || n > limit {
		return nil, errors.New(describeLength(have, n, limit))
	}
	if len(have) < frameLengthBytes+n {
		return nil, nil
	}
	in.r += frameLengthBytes + n
	in.trusted = max(in.trusted, n)
	return have[frameLengthBytes : frameLengthBytes+n], nil
}

// describeLength recognises what people point at a Kafka port by mistake.
func describeLength(have []byte, n, limit int) string {
	switch string(have[:4]) {
	case "GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "CONN":
		return "this is an HTTP request on a Kafka port"
	}
	if have[0] == 0x16 && have[1] == 0x03 {
		return "this is a TLS handshake on a listener without TLS; set security.protocol=PLAINTEXT in the client"
	}
	if n < frameBytesMin {
		return fmt.Sprintf("a request announces %d bytes, less than a request header", n)
	}
	return fmt.Sprintf("a request announces %d bytes, more than socket.request.max.bytes allows (%d)", n, limit)
}

// fill reads at least one byte more. A peer that closed cleanly gives io.EOF.
func (in *input) fill(r io.Reader) error {
	if in.buf == nil {
		in.buf = in.small[:]
	}
	if in.r == in.w {
		in.r, in.w = 0, 0
		if n := in.tryBorrowed(r); n > 0 {
			in.w = n
			return nil
		}
		in.giveBack()
	}
	in.makeRoom()
	n, err := r.Read(in.buf[in.w:])
	in.w += n
	if n > 0 {
		return nil
	}
	// Less than a length is no request that broke off: health checks write a line or
	// nothing to see whether the port is open (echo > /dev/tcp/HOST/PORT).
	if err == io.EOF && in.w-in.r >= frameLengthBytes {
		return io.ErrUnexpectedEOF
	}
	return err
}

// tryReader is a reader that can also look without waiting.
type tryReader interface {
	// tryRead gives 0 when nothing has arrived or the read failed; the failure
	// shows again at the next Read.
	tryRead(p []byte) int
}

// tryBorrowed reads into a buffer that is already borrowed, so that a busy
// connection keeps it and only one that would wait gives it back.
func (in *input) tryBorrowed(r io.Reader) int {
	t, ok := r.(tryReader)
	if !ok || in.isSmall() {
		return 0
	}
	return t.tryRead(in.buf)
}

// makeRoom leaves room for at least one byte, and for the whole frame under way
// as far as trust reaches.
func (in *input) makeRoom() {
	have := in.w - in.r
	whole := 0 // of the frame under way, 0 while its length is not known
	if have >= frameLengthBytes {
		whole = frameLengthBytes + max(int(int32(binary.BigEndian.Uint32(in.buf[in.r:]))), 0)
	}
	trusted := min(whole, frameLengthBytes+in.trusted)
	if in.w < len(in.buf) && len(in.buf)-in.r >= trusted {
		return
	}
	want := max(have+1, trusted)
	if have == len(in.buf) {
		// Growing fourfold, or eightfold at the end, bounds the copying and what is
		// thrown away by a fifth of the frame.
		grown := 4 * have
		if whole <= 8*have {
			grown = whole
		}
		want = max(want, min(whole, grown))
	}
	if want == whole && in.trusted > 0 {
		// Room for what a pipelining peer sends behind it.
		want = max(whole, min(whole+whole/4, bufferBytesMax))
	}
	if len(in.buf) >= want {
		copy(in.buf, in.buf[in.r:in.w])
		in.r, in.w = 0, have
		return
	}
	bigger := borrow(max(want, bufferBytesMin))
	copy(bigger, in.buf[in.r:in.w])
	in.giveBack()
	in.buf, in.r, in.w = bigger, 0, have
}

// isSmall tells that nothing is borrowed.
func (in *input) isSmall() bool { return len(in.buf) <= len(in.small) }

// held is the number of borrowed bytes.
func (in *input) held() int {
	if in.isSmall() {
		return 0
	}
	return len(in.buf)
}

// giveBack returns a borrowed buffer that holds nothing any more.
func (in *input) giveBack() {
	if !in.isSmall() {
		lend(in.buf)
		in.buf = in.small[:]
	}
}

// Buffers are pooled by power of two from 4 KiB to 4 MiB; larger ones are made
// and dropped, as they are rare and the pool would only hold on to them.
const (
	bufferBytesMin = 4 << 10
	bufferBytesMax = 4 << 20
)

var bufferPools [11]sync.Pool // index 0 is 4 KiB, 10 is 4 MiB

func bufferClass(n int) int { return max(0, bits.Len(uint(n-1))-12) }

func borrow(n int) []byte {
	if n > bufferBytesMax {
		return make([]byte, n)
	}
	class := bufferClass(n)
	if p, _ := bufferPools[class].Get().(*[]byte); p != nil {
		return *p
	}
	return make([]byte, bufferBytesMin<<class)
}

func lend(b []byte) {
	if len(b) <= bufferBytesMax {
		bufferPools[bufferClass(len(b))].Put(&b)
	}
}
