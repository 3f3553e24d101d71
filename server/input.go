package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// input cuts what arrives on a connection into frames.
//
// A connection that waits for a request holds no buffer. One is borrowed when bytes
// are there, and grows with what has arrived, never with what the length in front
// promises, so that a peer costs what it sent. A size that the peer has sent whole
// before is trusted and borrowed at once.
type input struct {
	buf  []byte // borrowed, or nil
	r, w int    // unread bytes are buf[r:w]
	// trusted is the largest frame received whole so far.
	trusted int
	// budget knows of accounted bytes of the buffer, as claim; nil when nobody counts.
	budget    *budget
	claim     claim
	accounted int
	// spent is how long the peer was waited for within the frame under way, since it has
	// been counted.
	spent time.Duration
}

const frameLengthBytes = 4

// frameBytesMin is what the shortest request header takes: key, version, correlation id.
const frameBytesMin = 8

// next returns the next whole frame without its length, or nil when more bytes
// are needed. The frame is valid until the next call of fill.
func (in *input) next(limits frameLimits) ([]byte, error) {
	have := in.buf[in.r:in.w]
	if len(have) < frameLengthBytes {
		return nil, nil
	}
	n := int(int32(binary.BigEndian.Uint32(have)))
	if n < limits.min || n > limits.max {
		return nil, errors.New(describeLength(have, n, limits))
	}
	if len(have) < frameLengthBytes+n {
		return nil, nil
	}
	in.r += frameLengthBytes + n
	in.trusted = max(in.trusted, n)
	in.spent = 0
	return have[frameLengthBytes : frameLengthBytes+n], nil
}

// describeLength recognises what people point at a Kafka port by mistake.
func describeLength(have []byte, n int, limits frameLimits) string {
	switch string(have[:4]) {
	case "GET ", "POST", "HEAD", "PUT ", "DELE", "OPTI", "CONN":
		return "this is an HTTP request on a Kafka port"
	}
	if have[0] == 0x16 && have[1] == 0x03 {
		return "this is a TLS handshake on a listener without TLS; set security.protocol=PLAINTEXT in the client"
	}
	if n < limits.min {
		return fmt.Sprintf("a request announces %d bytes, less than a request header", n)
	}
	return fmt.Sprintf("a request announces %d bytes, more than %s allows (%d)", n, limits.setting, limits.max)
}

// receiver is where an input's bytes come from.
type receiver interface {
	// receive waits until it has put at least one byte into in.room() and tells how
	// many. While it waits it holds no buffer, where the system lets it: in.rest.
	receive(in *input) (int, error)
}

// fill reads at least one byte more. A peer that closed cleanly gives io.EOF.
func (in *input) fill(from receiver) error {
	n, err := in.receive(from)
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

// receive has the budget know since when the peer is waited for, while a part of a frame
// takes what others may need: also one whose buffer is only about to grow.
func (in *input) receive(from receiver) (int, error) {
	if in.accounted == 0 {
		return from.receive(in)
	}
	began := in.budget.clock.Monotonic()
	in.claim.slowAt.Store(int64(began - in.spent + patience(in.w-in.r)))
	n, err := from.receive(in)
	in.claim.slowAt.Store(0)
	in.spent += in.budget.clock.Monotonic() - began
	return n, err
}

// room is where the next bytes go. Behind the frame under way there is room for as much as
// any connection may hold: it may be left alone for long with that.
func (in *input) room() []byte {
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
	in.makeRoom()
	if in.isSmall() {
		return in.buf[in.w:]
	}
	enough := in.r + in.wholeFrame() + aheadBytesMax
	return in.buf[in.w:min(enough, len(in.buf))]
}

// aheadBytesMax is how much is read ahead of the frame under way: what fits into the
// smallest buffer once the frame is done.
const aheadBytesMax = bufferBytesMin

// wholeFrame is how long the frame under way is with its length in front, 0 while that is
// not known.
func (in *input) wholeFrame() int {
	if in.w-in.r < frameLengthBytes {
		return 0
	}
	return frameLengthBytes + max(int(int32(binary.BigEndian.Uint32(in.buf[in.r:]))), 0)
}

// rest gives the buffer back if no byte waits in it. A wait follows, which may last, and
// others may need the room meanwhile.
func (in *input) rest() {
	if in.r == in.w {
		in.giveBack()
		in.account()
	}
}

// account tells the server's budget how much memory the input holds now.
func (in *input) account() {
	if held := in.held(); in.budget.isBounded() && held != in.accounted {
		in.accounted = held
		in.budget.set(&in.claim, held)
	}
}

// shrink leaves the bytes that wait in a buffer that is no larger than they need.
func (in *input) shrink() {
	have := in.w - in.r
	if in.rest(); len(in.buf) <= bufferBytesMin || bufferClass(have) >= bufferClass(len(in.buf)) {
		return
	}
	smaller := borrow(have)
	copy(smaller, in.buf[in.r:in.w])
	in.giveBack()
	in.buf, in.w = smaller, have
}

// makeRoom leaves room for at least one byte, and for the whole frame under way
// as far as trust reaches.
func (in *input) makeRoom() {
	have := in.w - in.r
	want := in.wanted()
	if want == 0 {
		return
	}
	if len(in.buf) >= want {
		copy(in.buf, in.buf[in.r:in.w])
		in.r, in.w = 0, have
		return
	}
	bigger := borrow(want)
	copy(bigger, in.buf[in.r:in.w])
	in.giveBack()
	in.buf, in.r, in.w = bigger, 0, have
}

// wanted is how large a buffer the next bytes need, the present one's size included; 0 is
// that there is room where they go.
func (in *input) wanted() int {
	have, whole := in.w-in.r, in.wholeFrame()
	trusted := min(whole, frameLengthBytes+in.trusted)
	if in.w < len(in.buf) && len(in.buf)-in.r >= trusted {
		return 0
	}
	want := max(have+1, trusted)
	if have == len(in.buf) && have > 0 {
		// Growing fourfold, or eightfold at the end, bounds the copying and what is
		// thrown away by a fifth of the frame.
		grown := 4 * have
		if whole <= 8*have {
			grown = whole
		}
		want = max(want, min(whole, grown))
	}
	if want == whole && whole > bufferBytesMin && in.trusted > 0 {
		// Room for what a pipelining peer sends behind it.
		want = max(whole, min(whole+aheadBytesMax, bufferBytesMax))
	}
	return max(want, bufferBytesMin)
}

// growth is how large a buffer is about to be borrowed that counts; 0 is none.
func (in *input) growth() int {
	want := in.wanted()
	if want <= bufferBytesMin || want <= len(in.buf) || !in.budget.isBounded() {
		return 0
	}
	if want <= bufferBytesMax {
		want = bufferBytesMin << bufferClass(want)
	}
	return want
}

// reserve waits for room in the budget before the buffer grows, and tells how long it did.
// A part that came too slowly before may be ended for it meanwhile.
func (in *input) reserve(want int) (waited time.Duration, err error) {
	if in.spent > patience(in.w-in.r) {
		in.claim.slowAt.Store(1)
	}
	waited, ok := in.budget.grow(&in.claim, want)
	if !ok {
		return waited, errTooSlow
	}
	in.accounted = want
	return waited, nil
}

// release gives back what the frame that was last executed took.
func (in *input) release() {
	if !in.isSmall() {
		in.shrink()
		in.account()
	}
}

// isSmall tells that no more is held than any connection may at any time.
func (in *input) isSmall() bool { return len(in.buf) <= bufferBytesMin }

// held is how many bytes count as those of a request under way.
func (in *input) held() int {
	if in.isSmall() {
		return 0
	}
	return len(in.buf)
}

// giveBack returns the buffer, and the bytes in it are gone.
func (in *input) giveBack() {
	if in.buf != nil {
		lend(in.buf)
		in.buf = nil
	}
	in.r, in.w = 0, 0
}
