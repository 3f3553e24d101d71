package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// raids are made at the same time, over handshakes that are held open.
var raids = []raid{
	{"slow senders", slowSenders},
	{"deaf peers", deafPeers},
	{"hoarders", hoarders},
	{"requests before a login", uninvited},
	{"oversized frames before a login", oversizedFrames},
	{"renegotiation of TLS 1.2", renegotiations},
	{"failed logins", failedLogins},
	{"tokens that are deep, long or strange", strangeTokens},
	{"junk on every listener", junk},
	{"connections that come and go", visits},
	{"bombs", bombs},
	{"iterations of SCRAM", iterations},
	{"requests without rights", floods},
}

func (a *attacker) listeners() []string {
	return []string{a.plan.Plaintext, a.plan.SSL, a.plan.Login, a.plan.LoginTLS}
}

// dialTLS is past the handshake of TLS.
func (a *attacker) dialTLS(address string, config *tls.Config) (*peer, error) {
	p, err := dial(address)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(p.Conn, config)
	if err := secured.Handshake(); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return &peer{secured}, nil
}

// comeToLogIn is a connection to a listener with logins: each seventh over TLS, which takes
// the attackers as long as the broker.
func (a *attacker) comeToLogIn(i int) (*peer, error) {
	if i%7 == 0 {
		return a.dialTLS(a.plan.LoginTLS, a.tls)
	}
	return dial(a.plan.Login)
}

// slowSenders send a byte a second, and no more once the header is there. Where there is a
// login, or a handshake, the broker ends them after its time; elsewhere they may go on, at
// the cost of what they have sent.
func slowSenders(ctx context.Context, a *attacker) (int, error) {
	const each, bytesSent = 50, 15
	hello, err := clientHello(a.tls)
	if err != nil {
		return 0, err
	}
	begun := func(n uint32) []byte { return append(length(n), request(kmsg.NewPtrApiVersionsRequest())[4:]...) }
	kinds := []struct {
		address string
		overTLS bool
		frame   []byte
	}{
		{a.plan.Plaintext, false, begun(RequestBytesMax)}, {a.plan.Login, false, begun(60_000)},
		{a.plan.LoginTLS, true, begun(60_000)}, {a.plan.LoginTLS, false, hello}, {a.plan.SSL, false, hello},
	}
	return inParallel(ctx, each*len(kinds), each*len(kinds), func(i int) error {
		kind := kinds[i%len(kinds)]
		address, frame := kind.address, kind.frame
		open := func() (*peer, error) { return dial(address) }
		if kind.overTLS {
			open = func() (*peer, error) { return a.dialTLS(address, a.tls) }
		}
		p, err := open()
		if err != nil {
			return err
		}
		defer p.reset()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for n := range bytesSent {
			if _, err := p.Write(frame[n : n+1]); err != nil {
				return nil // it was ended
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
		if address == a.plan.Plaintext { // half a request, of somebody who may make one
			return nil
		}
		return p.expectEnd(0)
	})
}

// deafPeers ask and never read the answers.
func deafPeers(ctx context.Context, a *attacker) (int, error) {
	const peers, requests = 20, 2_000_000 // far more than the kernel's buffers take on both sides
	question := bytes.Repeat(request(kmsg.NewPtrApiVersionsRequest()), 100)
	return inParallel(ctx, peers, peers, func(int) error {
		p, err := dial(a.plan.Plaintext)
		if err != nil {
			return err
		}
		defer p.reset()
		if err := p.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		for range requests / 100 {
			if _, err := p.Write(question); err != nil {
				return nil // nobody reads on, which is right
			}
		}
		return fmt.Errorf("the broker has read %d requests of a peer that takes no answer", requests)
	})
}

// hoarders announce requests as large as may be, where nobody has to log in, send a part of
// each, and then nothing: together far more than the broker may hold of all requests.
func hoarders(ctx context.Context, a *attacker) (int, error) {
	const peers, announced, begun, sent = 40, RequestBytesMax, 200 << 10, 4 << 20
	body := make([]byte, sent)
	copy(body, append(length(announced), request(kmsg.NewPtrApiVersionsRequest())[4:]...))
	var begin atomic.Int32
	all := make(chan struct{}) // closed when all have begun: none is small any more
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	return inParallel(ctx, peers, peers, func(int) error {
		p, err := dial(a.plan.Plaintext)
		if err == nil {
			defer p.reset()
			_ = p.SetDeadline(time.Now().Add(8 * time.Second)) // a socket takes any
			_, err = p.Write(body[:begun])
		}
		if err != nil {
			giveUp() // for those that wait for this one, and for others that will not be made then
			return fmt.Errorf("the beginning of a large request: %w", err)
		}
		if begin.Add(1) == peers {
			close(all)
		}
		select {
		case <-all:
		case <-waiting.Done():
			return nil
		}
		if _, err := p.Write(body[begun:]); err != nil {
			return nil // it was ended, or is not read from
		}
		if _, err := p.answer(); !isTimeout(err) && !wire.IsClosed(err) {
			return fmt.Errorf("half a request: %w", err)
		}
		return nil
	})
}

// uninvited are requests of every API where a login is due, and headers that claim more than
// there is: each is the end of its connection.
func uninvited(ctx context.Context, a *attacker) (int, error) {
	const saslHandshake, apiVersions, saslAuthenticate, keys = 17, 18, 36, 93
	var frames [][]byte
	for key := range int16(keys) {
		if r := kmsg.RequestForKey(key); r != nil && key != saslHandshake && key != apiVersions && key != saslAuthenticate {
			frames = append(frames, request(r))
			r.SetVersion(r.MaxVersion())
			frames = append(frames, request(r))
		}
	}
	for _, tags := range [][]byte{{0x80, 0xda, 0xc4, 0x09}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {1, 0, 0xff, 0xff, 0xff, 0x7f}} { // 20 million of them, 2^32-1, and a long one
		header := wire.AppendHeader(make([]byte, 4), apiVersions, 3, 1, &clientID, false)
		frames = append(frames, wire.Seal(append(header, tags...)))
	}
	return inParallel(ctx, len(frames), dialsAtOnce, func(i int) error {
		p, err := a.comeToLogIn(i)
		if err != nil {
			return err
		}
		defer p.reset()
		if _, err := p.Write(frames[i]); err != nil {
			return nil
		}
		if err := p.expectEnd(0); err != nil {
			return fmt.Errorf("%.20x: %w", frames[i], err)
		}
		return nil
	})
}

// oversizedFrames announce more than there may be before a login, as the first request, as
// a token, and as a token without a request around it.
func oversizedFrames(ctx context.Context, a *attacker) (int, error) {
	lengths := []uint32{1<<31 - 1, 64<<10 + 1, 100 << 20, 1 << 31, 0xffffffff}
	befores := [][]byte{nil, handshake(1, "PLAIN"), handshake(0, "PLAIN")}
	return inParallel(ctx, 20*len(lengths)*len(befores), dialsAtOnce, func(i int) error {
		n, before := lengths[i%len(lengths)], befores[i/len(lengths)%len(befores)]
		p, err := a.comeToLogIn(i)
		if err != nil {
			return err
		}
		defer p.reset()
		answers := 0
		if before != nil {
			answers = 1
		}
		if _, err := p.Write(append(append(before[:len(before):len(before)], length(n)...), 0, 17, 0, 1)); err != nil {
			return nil // it was ended
		}
		if err := p.expectEnd(answers); err != nil {
			return fmt.Errorf("a frame of %d bytes: %w", n, err)
		}
		return nil
	})
}

// junk is sent to every listener: the end must come, or an alert of TLS before it.
func junk(ctx context.Context, a *attacker) (int, error) {
	random := func(i int) []byte {
		b := make([]byte, 1000)
		_, _ = rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}).Read(b) // never fails
		return b
	}
	hello, err := clientHello(a.tls)
	if err != nil {
		return 0, err
	}
	mangled := bytes.Clone(hello)
	for i := 9; i < len(mangled); i += 7 {
		mangled[i] ^= 0x55
	}
	kinds := [][]byte{
		[]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), []byte("SSH-2.0-OpenSSH_9.9\r\n"), []byte("\x80\x2e\x01\x00\x02\x00\x15"), // SSL 2
		hello, mangled, hello[:len(hello)/2], append(length(7), random(0)[:7]...), append(length(60_000), random(0)...), nil,
	}
	return inParallel(ctx, a.plan.Junk*4, dialsAtOnce, func(i int) error {
		p, err := dial(a.listeners()[i%4])
		if err != nil {
			return err
		}
		defer p.reset()
		sent := kinds[i/4%len(kinds)]
		if sent == nil {
			sent = random(i)
			sent[0] |= 8 // a length that is too large, or below zero
		}
		if _, err := p.Write(sent); err != nil {
			return nil
		}
		if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // it was ended
		}
		if _, err = io.CopyN(io.Discard, p, answerBytesMax); errors.Is(err, io.EOF) || err != nil && !isTimeout(err) {
			return nil
		}
		return fmt.Errorf("the connection lives on after %.20q: %w", sent, err)
	})
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// visits come and go, in order or not, with nothing asked.
func visits(ctx context.Context, a *attacker) (int, error) {
	return inParallel(ctx, a.plan.Visits, dialsAtOnce, func(i int) error {
		p, err := dial(a.listeners()[i%4])
		if err != nil {
			return err
		}
		if i%3 == 0 {
			return p.Close()
		}
		p.reset()
		return nil
	})
}
