package attack

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// patience is how long the broker may take for what it does at once on a quiet machine.
const patience = 60 * time.Second

// peer is a connection of an attacker: little of it, since there are many.
type peer struct{ net.Conn }

// dial opens a connection with so much time for all of it.
func dial(address string) (*peer, error) {
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return nil, err
	}
	return &peer{conn}, conn.SetDeadline(time.Now().Add(patience))
}

// answerBytesMax guards the attacker.
const answerBytesMax = 1 << 20

// answer reads the next answer, the correlation id before it; io.EOF and such tell that the
// broker has ended the connection.
func (p *peer) answer() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 4 || n > answerBytesMax {
		return nil, fmt.Errorf("an answer of %d bytes", n)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(p, body)
	return body, err
}

// expectEnd reads until the end of the connection, which must come, and without more than
// so many answers before it.
func (p *peer) expectEnd(answersMax int) error {
	for answers := 0; ; answers++ {
		body, err := p.answer()
		switch {
		case err != nil && os.IsTimeout(err):
			return fmt.Errorf("the connection lives on after %v: %w", patience, err)
		case err != nil:
			return nil
		case answers >= answersMax:
			return fmt.Errorf("an answer that is not due: %.64q", body)
		}
	}
}

// reset ends the connection the rude way, which leaves nothing behind in the kernel.
func (p *peer) reset() {
	if tcp, ok := p.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // then it is an ordinary end
	}
	_ = p.Close()
}

var clientID = "attacker"

// request is a frame.
func request(r kmsg.Request) []byte { return wire.EncodeRequest(r, 1, &clientID) }

// handshake asks for a mechanism, in a version: after that of 0 tokens come bare.
func handshake(version int16, mechanism string) []byte {
	r := kmsg.NewPtrSASLHandshakeRequest()
	r.Version, r.Mechanism = version, mechanism
	return request(r)
}

// token is one of a login, in a request.
func token(bytes []byte) []byte {
	r := kmsg.NewPtrSASLAuthenticateRequest()
	r.Version, r.SASLAuthBytes = 1, bytes
	return request(r)
}

// length is the beginning of a frame.
func length(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// authenticated reads the answer to a token.
func authenticated(body []byte) (*kmsg.SASLAuthenticateResponse, error) {
	r := kmsg.NewPtrSASLAuthenticateResponse()
	r.Version = 1
	return r, r.ReadFrom(body[4:])
}
