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
	// exact says that next to nothing is read ahead of the frame under way: the connection
	// may be left alone for long with what it has sent behind it.
	exact bool
	// budget knows of accounted bytes of the buffer, as claim; nil when nobody counts.
	budget    *budget
	claim     claim
	accounted int
	// began is when the frame under way was first waited for, zero before.
	began time.Time
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
	in.began = time.Time{}
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
	isPart := in.w > in.r && !in.isSmall()
	if isPart {
		if in.began.IsZero() {
			in.began = time.Now()
		}
		in.claim.awaits(in.began, in.w-in.r)
	}
	n, err := from.receive(in)
	in.w += n
	if isPart {
		in.claim.since.Store(0)
	}
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

// room is where the next bytes go.
func (in *input) room() []byte {
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
	in.makeRoom()
	if !in.exact {
		return in.buf[in.w:]
	}
	// A frame takes one read more, and bytes that are no more than any connection holds may
	// be of the next.
	enough := in.r + max(in.wholeFrame(), bufferBytesMin)
	return in.buf[in.w:max(in.w+1, min(enough, len(in.buf)))]
}

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
	if held := in.held(); in.budget != nil && held != in.accounted {
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
	if want == whole && in.trusted > 0 && !in.exact {
		// Room for what a pipelining peer sends behind it.
		want = max(whole, min(whole+whole/4, bufferBytesMax))
	}
	return max(want, bufferBytesMin)
}

// reserve waits for room in the budget before the buffer grows.
func (in *input) reserve() {
	if want := in.wanted(); in.budget != nil && want > bufferBytesMin && want > len(in.buf) {
		if want <= bufferBytesMax {
			want = bufferBytesMin << bufferClass(want)
		}
		in.accounted = want
		in.budget.grow(&in.claim, want)
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
