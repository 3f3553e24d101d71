package fault

import (
	"errors"
	"testing"
	"time"
)

// Nobody waits for what cannot happen any more, and what was removed does not fire.
func TestARemovedFaultIsOver(t *testing.T) {
	var s Set
	for name, remove := range map[string]func(*Fault){"remove": (*Fault).Remove, "clear": func(*Fault) { s.Clear() }} {
		f, err := s.Add(Rule{Code: 1})
		if err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() { waited <- f.Wait(t.Context(), 1) }()
		remove(f)
		if err := <-waited; !errors.Is(err, ErrRemoved) {
			t.Errorf("%s: who waited got %v", name, err)
		}
		if fires, spent := f.fire(); fires || !spent {
			t.Errorf("%s: a request that had seen the rule before made it fire", name)
		}
	}
	f, err := s.Add(Rule{Code: 1, Times: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Wait(t.Context(), 3); err == nil {
		t.Error("a rule that fires twice has fired three times")
	}
}

// A client that only ever adds is refused at some time.
func TestThereAreOnlySoManyFaults(t *testing.T) {
	var s Set
	for range faultsMax {
		if _, err := s.Add(Rule{Code: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(Rule{Code: 1}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if _, err := s.Add(Rule{Delay: delayMax + time.Second}); err == nil || errors.Is(err, ErrTooMany) {
		t.Errorf("a delay of more than a day: %v", err)
	}
	s.Clear()
	if _, err := s.Add(Rule{Code: 1}); err != nil {
		t.Errorf("after Clear: %v", err)
	}
}
