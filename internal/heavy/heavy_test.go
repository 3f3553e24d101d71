package heavy

import (
	"fmt"
	"strings"
	"testing"
)

// Whoever waits is served by kinds in rotation, and in order within one.
func TestTurns(t *testing.T) {
	for _, c := range []struct {
		name       string
		processors int
		// S and U ask for a turn, s and u are what Yield asks for, and - gives one back.
		events string
		// who has got a turn, by the number of their asking
		want string
	}{
		{"one processor has a turn", 1, "SS", "0"},
		{"of four, one is kept free", 4, "SSSSS", "0 1 2"},
		{"in order", 2, "SSS--", "0 1 2"},
		{"kinds in rotation", 2, "SSSSUU-----", "0 4 1 5 2 3"},
		{"a turn that nobody waits for is kept", 2, "S-U-S", "0 1 2"},
		{"a long one lets others go first", 2, "USSu-u--", "0 1 3 2 4"},
		{"nobody is waited for", 2, "Uuu-S", "0 1 2 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			turns := New(c.processors)
			var got []string
			var asked []<-chan struct{}
			served := map[int]bool{}
			note := func() {
				for i, mine := range asked {
					select {
					case <-mine:
						if !served[i] {
							got = append(got, fmt.Sprint(i))
						}
						served[i] = true
					default:
					}
				}
			}
			at := func(mine <-chan struct{}) {
				if mine == nil { // at once
					now := make(chan struct{})
					close(now)
					mine = now
				}
				asked = append(asked, mine)
				note()
			}
			for _, event := range c.events {
				switch event {
				case 'S':
					at(turns.ask(Strangers))
				case 'U':
					at(turns.ask(Unpacking))
				case 'u':
					at(turns.handOver(Unpacking))
				case '-':
					turns.Leave()
					note()
				}
			}
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("turns for %s, want %s", text, c.want)
			}
		})
	}
}

func TestTryTake(t *testing.T) {
	turns := New(2)
	if !turns.TryTake() || turns.TryTake() {
		t.Error("there is one turn")
	}
	turns.Leave()
	if !turns.TryTake() {
		t.Error("the turn is not given back")
	}
}

// Who yields goes on after whoever waited.
func TestYield(t *testing.T) {
	turns := New(2)
	turns.Take(Unpacking)
	turns.Yield(Unpacking) // to nobody
	mine := turns.ask(Strangers)
	var order []string // what a turn guards
	go func() {        // ends with its turn
		<-mine
		order = append(order, "stranger")
		turns.Leave()
	}()
	turns.Yield(Unpacking)
	order = append(order, "batch")
	turns.Leave()
	if got := strings.Join(order, " "); got != "stranger batch" || !turns.TryTake() {
		t.Errorf("turns of %s, or one is lost", got)
	}
}
