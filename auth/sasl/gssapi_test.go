package sasl

import (
	"errors"
	"strings"
	"testing"
)

// plainContext accepts every token but one, and wraps in brackets.
type plainContext struct {
	answer []byte
	err    error
}

type laterError struct{ error }

func (laterError) Retriable() bool { return true }

func (c plainContext) Accept([]byte) ([]byte, error) { return c.answer, c.err }
func (plainContext) Wrap(m []byte) []byte            { return []byte("[" + string(m) + "]") }
func (plainContext) Unwrap(t []byte) ([]byte, error) {
	text, ok := strings.CutPrefix(string(t), "[")
	if !ok {
		return nil, errors.New("no brackets")
	}
	return []byte(strings.TrimSuffix(text, "]")), nil
}

func alice() (string, error) { return "alice", nil }

// talk gives an exchange tokens, and tells its answers.
func talk(t *testing.T, x Exchange, tokens ...string) (answers []string, done bool, err error) {
	t.Helper()
	for _, token := range tokens {
		var answer []byte
		if answer, done, err = x.Step([]byte(token)); err != nil {
			return answers, done, err
		}
		answers = append(answers, string(answer))
	}
	return answers, done, nil
}

const offered = "[\x01\x00\x00\x00]"

// A client that wants no answer gets the offer at once, one that wants one has it first.
func TestGSSAPI(t *testing.T) {
	for _, choice := range []string{offered, "[\x01\x01\x00\x00bob]", "[\x05\x00\x00\x00]"} {
		x := NewGSSAPI(plainContext{}, alice)
		answers, done, err := talk(t, x, "request", choice)
		if err != nil || !done || answers[0] != offered || answers[1] != "" || x.Login() != (Login{User: "alice"}) {
			t.Errorf("%q: %q, %v, %v, %+v", choice, answers, done, err, x.Login())
		}
		x = NewGSSAPI(plainContext{answer: []byte("reply")}, alice)
		if answers, done, err = talk(t, x, "request", "", choice); err != nil || !done || answers[0] != "reply" || answers[1] != offered {
			t.Errorf("%q, %v, %v", answers, done, err)
		}
	}
}

func TestGSSAPIRefuses(t *testing.T) {
	nobody := func() (string, error) { return "", errors.New("no rule fits") }
	for _, c := range []struct {
		name   string
		x      Exchange
		tokens []string
		want   string
		silent bool
	}{
		{"a request that is not accepted", NewGSSAPI(plainContext{err: errors.New("expired")}, alice), []string{"request"}, "expired", false},
		{"a request that was sent before", NewGSSAPI(plainContext{err: laterError{errors.New("replay")}}, alice), []string{"request"}, "replay", true},
		{"words after the answer", NewGSSAPI(plainContext{answer: []byte("reply")}, alice), []string{"request", "x"}, "something to say", false},
		{"another protection", NewGSSAPI(plainContext{}, alice), []string{"request", "[\x04\x00\x10\x00]"}, "asks for the protection 4", false},
		{"a choice that is none", NewGSSAPI(plainContext{}, alice), []string{"request", "[\x01\x00\x00]"}, "is none", false},
		{"a choice of somebody else", NewGSSAPI(plainContext{}, alice), []string{"request", "x"}, "no brackets", false},
		{"a user without a name", NewGSSAPI(plainContext{}, nobody), []string{"request", offered}, "no rule fits", false},
		{"a token too many", NewGSSAPI(plainContext{}, alice), []string{"request", offered, offered}, "is over", false},
	} {
		_, done, err := talk(t, c.x, c.tokens...)
		var failure *Failure
		if !errors.As(err, &failure) || done || failure.Text != "" || failure.Unanswered != c.silent || !strings.Contains(failure.Reason, c.want) {
			t.Errorf("%s: %v, %+v; want %q", c.name, done, err, c.want)
		}
	}
}
