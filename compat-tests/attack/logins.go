package attack

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Guess is in every password and token that is tried, and must be nowhere in the log.
const Guess = "swordfishABC" // valid in base 64

// illegal and refused are Kafka's codes of a login that failed.
const (
	illegalState = 34
	loginFailed  = 58
)

// loginsAtOnce is more than the broker's processors.
const loginsAtOnce = 256

// failedLogins guess passwords, in turns by PLAIN, by SCRAM with a proof that is none, and
// by a token, for users that there are and that there are not.
func failedLogins(ctx context.Context, a *attacker) (int, error) {
	return inParallel(ctx, a.plan.Logins, loginsAtOnce, func(i int) error {
		p, err := a.comeToLogIn(i)
		if err != nil {
			return err
		}
		defer p.reset()
		user := DecentUser
		if i%2 == 0 {
			user = fmt.Sprint("nobody-", i)
		}
		switch i % 3 {
		case 0:
			return p.isRefused("PLAIN", fmt.Appendf(nil, "\x00%s\x00%s-%d", user, Guess, i))
		case 1:
			return p.guessScram(user, i)
		}
		return p.isRefused("OAUTHBEARER", bearer("e30."+Guess+"."+Guess))
	})
}

// bearer is the first message of OAUTHBEARER.
func bearer(token string) []byte { return []byte("n,,\x01auth=Bearer " + token + "\x01\x01") }

// isRefused logs in with one message, which is sent together with the handshake, and a word
// for who is told why (RFC 7628).
func (p *peer) isRefused(mechanism string, message []byte) error {
	frames := append(handshake(1, mechanism), token(message)...)
	if mechanism == "OAUTHBEARER" {
		frames = append(frames, token([]byte{1})...)
	}
	if _, err := p.Write(frames); err != nil {
		return nil // it was ended
	}
	return p.refusal(mechanism, 1)
}

// refusal reads answers to tokens, behind some others, until one says that the login failed.
// A connection that ends without has failed, too.
func (p *peer) refusal(mechanism string, behind int) error {
	for n := 0; ; n++ {
		body, err := p.answer()
		if err != nil {
			if isTimeout(err) {
				return fmt.Errorf("no end of a login by %s: %w", mechanism, err)
			}
			return nil
		}
		if n < behind {
			continue
		}
		r, err := authenticated(body)
		switch {
		case err != nil:
			return err
		case r.ErrorCode == loginFailed || r.ErrorCode == illegalState:
			return p.expectEnd(0)
		case r.ErrorCode != 0:
			return fmt.Errorf("error %d to a login by %s", r.ErrorCode, mechanism)
		case mechanism != "OAUTHBEARER" || !bytes.Contains(r.SASLAuthBytes, []byte(`"status"`)):
			return fmt.Errorf("a login by %s is let in", mechanism)
		}
	}
}

// guessScram has a proof that is none, behind the broker's nonce.
func (p *peer) guessScram(user string, i int) error {
	mechanism := []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}[i/3%2]
	const nonce = "attackers-nonce"
	if _, err := p.Write(append(handshake(1, mechanism), token(fmt.Appendf(nil, "n,,n=%s,r=%s", user, nonce))...)); err != nil {
		return err
	}
	if _, err := p.answer(); err != nil {
		return fmt.Errorf("handshake for %s: %w", mechanism, err)
	}
	body, err := p.answer()
	if err != nil {
		return fmt.Errorf("the first message of %s: %w", mechanism, err)
	}
	r, err := authenticated(body)
	if err != nil || r.ErrorCode != 0 {
		return errors.Join(err, fmt.Errorf("the first message of %s: error %d", mechanism, r.ErrorCode))
	}
	whole, _, _ := strings.Cut(string(r.SASLAuthBytes), ",")
	proof := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(Guess), 6)[:map[string]int{"SCRAM-SHA-256": 32, "SCRAM-SHA-512": 64}[mechanism]])
	if _, err := p.Write(token(fmt.Appendf(nil, "c=biws,%s,p=%s", whole, proof))); err != nil {
		return err
	}
	return p.refusal(mechanism, 0)
}

// strangeTokens nest 20,000 and 100,000 arrays in the header and in the payload, hold huge
// strings, many names, numbers without end, and what is no text; those that no frame may hold
// before a login end their connection.
func strangeTokens(ctx context.Context, a *attacker) (int, error) {
	encode := base64.RawURLEncoding.EncodeToString
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	header := `{"alg":"none"}`
	claims := func(more string) string { return `{"sub":"` + DecentUser + `","iat":1,"exp":99999999999,` + more + `}` }
	parts := [][2]string{
		{header, claims(`"deep":` + nested(20_000))}, {`{"alg":"none","deep":` + nested(20_000) + `}`, claims(`"a":1`)},
		{header, claims(`"deep":` + nested(100_000))}, {header, strings.Repeat("[", 45_000)}, {header, strings.Repeat(`{"a":`, 9_000)},
		{header, `{"sub":"` + strings.Repeat("x", 45_000) + `","exp":9999999999`}, {header, claims(`"n":` + strings.Repeat("9", 45_000) + `,`)},
		{header, claims(`"n":1e999999999,`)}, {header, claims(strings.Repeat(`"a":1,`, 7_000))}, {header, claims("\"\xff\xfe\":1,")}, {header, claims(`"\ud800":1,`)},
		{strings.Repeat(" ", 45_000), ""}, {"", ""}, {"null", "null"},
	}
	const times = 20
	return inParallel(ctx, times*len(parts), dialsAtOnce, func(i int) error {
		p, err := a.comeToLogIn(i)
		if err != nil {
			return err
		}
		defer p.reset()
		part := parts[i%len(parts)]
		if err := p.isRefused("OAUTHBEARER", bearer(encode([]byte(part[0]))+"."+encode([]byte(part[1]))+".")); err != nil {
			return fmt.Errorf("%.30q and %.30q: %w", part[0], part[1], err)
		}
		return nil
	})
}
