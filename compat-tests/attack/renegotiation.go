package attack

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// renegotiations begin a second handshake inside of a first one of TLS 1.2, which would cost
// the broker a signature each, on one connection as often as one likes. Go's client never
// does so: the record is made by hand, from the keys that it tells to its key log.
func renegotiations(ctx context.Context, a *attacker) (int, error) {
	const times = 40
	return inParallel(ctx, times, 4, func(i int) error {
		address := a.plan.SSL
		if i%2 == 0 {
			address = a.plan.LoginTLS
		}
		p, err := dial(address)
		if err != nil {
			return err
		}
		defer p.reset()
		config := a.tls.Clone()
		var log bytes.Buffer
		config.KeyLogWriter, config.MaxVersion = &log, tls.VersionTLS12
		config.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		watched := &watched{Conn: p.Conn}
		if err := tls.Client(watched, config).Handshake(); err != nil {
			return fmt.Errorf("TLS 1.2: %w", err)
		}
		hello, err := clientHello(config)
		if err != nil {
			return err
		}
		const recordHeaderBytes = 5
		record, err := watched.seal(log.String(), hello[recordHeaderBytes:])
		if err != nil {
			return err
		}
		if _, err := p.Write(record); err != nil {
			return err
		}
		// An alert of two bytes is due, sealed, and the end.
		const alert = 21
		answer, err := io.ReadAll(io.LimitReader(p, answerBytesMax))
		if isTimeout(err) {
			return fmt.Errorf("the connection lives on after another ClientHello: %w", err)
		}
		if len(answer) == 0 || answer[0] != alert {
			return fmt.Errorf("the answer to another ClientHello is no alert: %.20x, %w", answer, err)
		}
		return nil
	})
}

// watched keeps what the server has sent.
type watched struct {
	net.Conn
	received []byte
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.received = append(w.received, p[:n]...)
	return n, err
}

func (w *watched) SetDeadline(time.Time) error { return nil } // the peer's holds

// seal makes the client's second record under its keys, of a handshake message, with
// AES_128_GCM_SHA256 (RFC 5246, section 6.3, and RFC 5288).
func (w *watched) seal(keyLog string, message []byte) ([]byte, error) {
	words := strings.Fields(keyLog) // CLIENT_RANDOM random secret
	const serverRandomAt, randomBytes = 11, 32
	if len(words) != 3 || len(w.received) < serverRandomAt+randomBytes {
		return nil, fmt.Errorf("the keys of the connection are not known: %q", keyLog)
	}
	clientRandom, err := hex.DecodeString(words[1])
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(words[2])
	if err != nil {
		return nil, err
	}
	serverRandom := w.received[serverRandomAt : serverRandomAt+randomBytes]
	const keyBytes, ivBytes = 16, 4
	keys := expand(secret, append(append([]byte("key expansion"), serverRandom...), clientRandom...), 2*(keyBytes+ivBytes))
	block, err := aes.NewCipher(keys[:keyBytes])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	const handshakeType, sequence = 22, 1 // the first was Finished
	explicit := binary.BigEndian.AppendUint64(nil, sequence)
	nonce := append(bytes.Clone(keys[2*keyBytes:2*keyBytes+ivBytes]), explicit...)
	header := []byte{handshakeType, 3, 3}
	additional := binary.BigEndian.AppendUint16(append(bytes.Clone(explicit), header...), uint16(len(message)))
	sealed := aead.Seal(explicit, nonce, message, additional)
	return append(binary.BigEndian.AppendUint16(header, uint16(len(sealed))), sealed...), nil
}

// expand is the PRF of TLS 1.2, the label being a part of the seed (RFC 5246, section 5).
func expand(secret, seed []byte, n int) (out []byte) {
	keyed := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	for a := keyed(seed); len(out) < n; a = keyed(a) {
		out = append(out, keyed(a, seed)...)
	}
	return out[:n]
}
