package protocol

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
)

// Every code from -1 to 136 has one error, under its own number and name.
func TestEveryCodeHasItsError(t *testing.T) {
	names := map[string]bool{}
	wire := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
	for code := int16(-1); code <= 136; code++ {
		e := ErrorForCode(code)
		if e.Code != code {
			t.Errorf("code %d gives %d", code, e.Code)
		}
		if names[e.Name] || !wire.MatchString(e.Name) || e.Message == "" {
			t.Errorf("code %d: name %q twice or misspelled, or no message", code, e.Name)
		}
		names[e.Name] = true
	}
	for _, code := range []int16{-2, 137, 32767, -32768} {
		if e := ErrorForCode(code); e != ErrUnknownServerError {
			t.Errorf("code %d gives %v", code, e)
		}
	}
}

// An error with its own message, even wrapped, is still found by its code.
func TestErrorsCompareByCode(t *testing.T) {
	own := ErrInvalidTopicException.WithMessage("the name %q is too long", "x")
	wrapped := fmt.Errorf("create: %w", own)
	if !errors.Is(wrapped, ErrInvalidTopicException) || errors.Is(wrapped, ErrInvalidRequest) {
		t.Error("a wrapped error is not compared by code")
	}
	if own.Name != "INVALID_TOPIC_EXCEPTION" || own.Error() != `INVALID_TOPIC_EXCEPTION: the name "x" is too long` {
		t.Error(own)
	}
	if ErrInvalidTopicException.Message == own.Message {
		t.Error("WithMessage changed the original")
	}
	if !ErrNotCoordinator.Retriable || ErrInvalidRequest.Retriable {
		t.Error("retriable flags are wrong")
	}
}
