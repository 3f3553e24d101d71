package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTimeout is above what it takes to get in on a busy machine.
const dialTimeout = 30 * time.Second

// dialsAtOnce bounds how many connections one raid opens at the same time: what waits in the
// kernel's queue of the listener is no attack on the broker.
const dialsAtOnce = 64

// clientHello is what a client of Go sends first.
func clientHello(config *tls.Config) ([]byte, error) {
	recorder := &recorder{}
	err := tls.Client(recorder, config).Handshake()
	if !errors.Is(err, errRecorded) {
		return nil, fmt.Errorf("recording a ClientHello: %w", err)
	}
	return recorder.sent, nil
}

// recorder is a connection that keeps what is sent until an answer is waited for.
type recorder struct {
	net.Conn
	sent []byte
}

var errRecorded = errors.New("recorded")

func (r *recorder) Write(p []byte) (int, error)      { r.sent = append(r.sent, p...); return len(p), nil }
func (r *recorder) Read([]byte) (int, error)         { return 0, errRecorded }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }
func (r *recorder) Close() error                     { return nil }

// held are handshakes that are begun and not gone on with. One that the broker has given up
// is begun again.
type held struct {
	want, now, most atomic.Int64
	full            chan struct{} // closed once want are open at the same time
	once            sync.Once
	failed          chan error // the first
	end             sync.WaitGroup
}

// holdHandshakes begins them, in turns: nothing is sent; a record is announced that is as
// long as one can be, and begun; a whole ClientHello is sent, and its answer not answered.
func (a *attacker) holdHandshakes(ctx context.Context) *held {
	h := &held{full: make(chan struct{}), failed: make(chan error, 1)}
	h.want.Store(int64(a.plan.Handshakes))
	hello, err := clientHello(a.tls)
	if err != nil {
		h.failed <- err
		return h
	}
	const recordBytesMax = 16 << 10 // what TLS allows
	begun := []byte{0x16, 3, 1, recordBytesMax >> 8, recordBytesMax & 0xff, 1}
	turns := make(chan struct{}, dialsAtOnce)
	for i := range a.plan.Handshakes {
		address := a.plan.SSL
		if i%2 == 0 {
			address = a.plan.LoginTLS
		}
		first := [][]byte{nil, begun, hello}[i%3]
		h.end.Go(func() {
			for ctx.Err() == nil {
				if err := h.hold(ctx, turns, address, first); err != nil && ctx.Err() == nil {
					select {
					case h.failed <- err:
					default:
					}
					return
				}
			}
		})
	}
	return h
}

// hold begins one, and returns when the broker has ended it.
func (h *held) hold(ctx context.Context, turns chan struct{}, address string, first []byte) error {
	turns <- struct{}{}
	conn, err := net.DialTimeout("tcp", address, dialTimeout)
	<-turns
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close() //nolint:errcheck // nothing was asked
	if _, err := conn.Write(first); err != nil {
		return nil // it was ended
	}
	now := h.now.Add(1)
	defer h.now.Add(-1)
	if now > h.most.Load() { // the last few of those who race may not count
		h.most.Store(now)
	}
	if now == h.want.Load() {
		h.once.Do(func() { close(h.full) })
	}
	_, _ = io.Copy(io.Discard, conn)
	return nil
}

// await waits until all are held at once.
func (h *held) await(ctx context.Context) error {
	timer := time.NewTimer(2 * dialTimeout)
	defer timer.Stop()
	select {
	case <-h.full:
		return nil
	case err := <-h.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("at most %d of %d are held at once", h.most.Load(), h.want.Load())
	}
}
