package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// DefaultTimeout bounds every read and write. It is far above what a broker
// needs for any answer, so that reaching it means that no answer comes.
const DefaultTimeout = 20 * time.Second

// maxFrameBytes guards the reader: a broker under test must not make the test
// allocate without bound.
const maxFrameBytes = 256 << 20

// DefaultClientID is what Conn sends unless told otherwise.
const DefaultClientID = "compat"

// Conn is one connection to a broker.
type Conn struct {
	// ClientID goes into every header; nil is sent as null.
	ClientID *string
	// Timeout bounds each read and write.
	Timeout time.Duration

	conn        net.Conn
	reader      *bufio.Reader
	correlation int32
}

// Dial connects to a broker.
func Dial(address string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", address, DefaultTimeout)
	if err != nil {
		return nil, err
	}
	return NewConn(conn), nil
}

// NewConn speaks on a connection that somebody else has made.
func NewConn(conn net.Conn) *Conn {
	id := DefaultClientID
	return &Conn{ClientID: &id, Timeout: DefaultTimeout, conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// CloseWrite ends the sending half; the broker sees the end of the stream.
func (c *Conn) CloseWrite() error { return c.conn.(*net.TCPConn).CloseWrite() }

// Reset ends the connection with a TCP reset instead of an orderly close.
func (c *Conn) Reset() error {
	if err := c.conn.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	return c.conn.Close()
}

// Write sends bytes as they are.
func (c *Conn) Write(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// Send encodes and sends a request and returns its correlation id.
func (c *Conn) Send(req kmsg.Request) (int32, error) {
	c.correlation++
	return c.correlation, c.Write(EncodeRequest(req, c.correlation, c.ClientID))
}

// Receive reads one frame and splits the correlation id off. The rest still
// holds the tagged fields of a flexible response header.
func (c *Conn) Receive() (correlation int32, rest []byte, err error) {
	if !c.frameIsHere() {
		if err := c.conn.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
			return 0, nil, err
		}
	}
	var length [4]byte
	if _, err := io.ReadFull(c.reader, length[:]); err != nil {
		return 0, nil, err
	}
	n := int32(binary.BigEndian.Uint32(length[:]))
	if n < 4 || n > maxFrameBytes {
		return 0, nil, fmt.Errorf("response frame claims %d bytes", n)
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(c.reader, frame); err != nil {
		return 0, nil, fmt.Errorf("response frame of %d bytes is cut: %w", n, err)
	}
	return int32(binary.BigEndian.Uint32(frame)), frame[4:], nil
}

// frameIsHere tells that a whole frame has been read already. A deadline, which
// costs as much as a small request, is of no use then.
func (c *Conn) frameIsHere() bool {
	const lengthBytes = 4
	if c.reader.Buffered() < lengthBytes {
		return false
	}
	length, _ := c.reader.Peek(lengthBytes) // they are there
	return int64(c.reader.Buffered()) >= lengthBytes+int64(binary.BigEndian.Uint32(length))
}

// Exchange sends a request and returns the body of its answer, the response
// header stripped.
func (c *Conn) Exchange(req kmsg.Request) ([]byte, error) {
	want, err := c.Send(req)
	if err != nil {
		return nil, err
	}
	got, rest, err := c.Receive()
	if err != nil {
		return nil, err
	}
	if got != want {
		return nil, fmt.Errorf("answer to correlation id %d where %d is due", got, want)
	}
	return StripResponseHeader(req.Key(), req.IsFlexible(), rest)
}

// Call is Exchange with the body decoded.
func (c *Conn) Call(req kmsg.Request) (kmsg.Response, error) {
	body, err := c.Exchange(req)
	if err != nil {
		return nil, err
	}
	return DecodeBody(req, body)
}

// ExpectClosed reads until the broker ends the connection. It fails when the
// broker answers instead or leaves the connection open.
func (c *Conn) ExpectClosed() error {
	_, rest, err := c.Receive()
	switch {
	case err == nil:
		return fmt.Errorf("an answer of %d bytes where the connection should close", len(rest))
	case IsClosed(err):
		return nil
	default:
		return err
	}
}

// IsClosed tells whether an error means that the broker ended the connection.
func IsClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// IsTimeout tells whether an error means that no answer came in time.
func IsTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
