package badinput

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// requestLimit is the default of socket.request.max.bytes.
const requestLimit = 100 << 20

func constant(b []byte) func(*Fixture) []byte { return func(*Fixture) []byte { return b } }

// length is a frame that claims n bytes, with some that follow.
func length(n int32, follow int) func(*Fixture) []byte {
	return constant(append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, follow)...))
}

func apiVersions(correlation int32) []byte {
	id := wire.DefaultClientID
	return wire.EncodeRequest(kmsg.NewPtrApiVersionsRequest(), correlation, &id)
}

// tlsHello is the start of what a TLS client sends first: a handshake record
// with a ClientHello of TLS 1.2.
var tlsHello = append([]byte{0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03}, make([]byte, 194)...)

// framing is what happens before a request is understood.
var framing = []Case{
	{Name: "length -1", Send: length(-1, 16), Want: Closed()},
	{Name: "smallest length", Send: length(-1<<31, 16), Want: Closed()},
	{Name: "largest length", Send: length(1<<31-1, 16), Want: Closed()},
	{Name: "one byte over the limit", Send: length(requestLimit+1, 16), Want: Closed()},
	{Name: "length 0", Send: length(0, 0), Want: Closed()},
	{Name: "length 3", Send: length(3, 3), Want: Closed()},
	{Name: "length 7, half a header", Send: length(7, 7), Want: Closed()},
	{Name: "HTTP", Send: constant([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")), Want: Closed()},
	{Name: "TLS hello", Send: constant(tlsHello), Want: Closed()},
	{Name: "SSH", Send: constant([]byte("SSH-2.0-OpenSSH_9.9\r\n")), Want: Closed()},
	{Name: "large frame announced, little sent", Send: length(99<<20, 10), Want: Waiting()},
	{Name: "half a frame, then the end", Send: constant(apiVersions(1)[:9]), Then: (*wire.Conn).CloseWrite, Want: Closed()},
	{Name: "half a frame, then a reset", Send: constant(apiVersions(1)[:9]), Then: (*wire.Conn).Reset},
	{Name: "nothing, then the end", Send: constant(nil), Then: (*wire.Conn).CloseWrite, Want: Closed()},
	{Name: "request, then the end", Send: constant(apiVersions(1)), Then: (*wire.Conn).CloseWrite, Want: Answers(1)},
	{Name: "a thousand requests in one write", Send: constant(pipelined(1000)), Want: Answers(1000)},
	{Name: "a request byte by byte", Send: constant(nil), Then: byteByByte(apiVersions(1)), Want: Answers(1)},
	{Name: "good request, then garbage", Send: constant(append(apiVersions(1), bytes.Repeat([]byte{0xff}, 64)...)), Want: thenClosed(Answers(1))},
}

func pipelined(n int32) []byte {
	var out []byte
	for i := range n {
		out = append(out, apiVersions(i+1)...)
	}
	return out
}

func byteByByte(frame []byte) func(*wire.Conn) error {
	return func(c *wire.Conn) error {
		for i := range frame {
			if err := c.Write(frame[i : i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}

func thenClosed(first Want) Want {
	return Want{first.text + ", then closed", func(c *wire.Conn) error {
		if err := first.check(c); err != nil {
			return err
		}
		return c.ExpectClosed()
	}}
}
