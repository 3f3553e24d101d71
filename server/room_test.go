package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// scene plays a scenario over a room of 1000. Each line is what happens, and what is to be
// seen then: who was let in and who was ended, and who goes over the limit.
//
//	A 400      A asks to hold 400 in all
//	A sends N  A is waited for; it is slow N seconds after the beginning
//	A works    A is not waited for
//	A gives N  A holds N, and no more
//	look N     at N seconds
//	open       the server stops
type scene struct {
	room   room
	claims map[string]*claim
	turns  map[string]<-chan bool
}

func (s *scene) play(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	name := words[0]
	c := s.claims[name]
	if c == nil {
		c = &claim{}
		s.claims[name] = c
	}
	var n int
	if last := words[len(words)-1]; last[0] >= '0' && last[0] <= '9' {
		if _, err := fmt.Sscan(last, &n); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	switch {
	case name == "open":
		s.room.letAllIn()
	case name == "look":
		for _, ended := range s.room.look(time.Duration(n) * time.Second) {
			seen = append(seen, "ends "+s.nameOf(ended))
		}
	case words[1] == "sends":
		c.slowAt.Store(int64(time.Duration(n) * time.Second))
	case words[1] == "works":
		c.slowAt.Store(0)
	case words[1] == "gives":
		s.room.set(c, n)
	default:
		if turn := s.room.ask(c, n); turn != nil {
			s.turns[name] = turn
			seen = append(seen, "waits")
		}
	}
	for _, waiter := range slices.Sorted(func(yield func(string) bool) {
		for w := range s.turns {
			if !yield(w) {
				return
			}
		}
	}) {
		select {
		case ok := <-s.turns[waiter]:
			delete(s.turns, waiter)
			if ok {
				seen = append(seen, waiter+" goes on")
			}
		default:
		}
	}
	if s.room.over != nil {
		seen = append(seen, s.nameOf(s.room.over)+" over")
	}
	return strings.Join(seen, ", ")
}

func (s *scene) nameOf(c *claim) string {
	for name, one := range s.claims {
		if one == c {
			return name
		}
	}
	return "?"
}

func TestRoom(t *testing.T) {
	for name, script := range map[string]string{
		"one after the other goes over, in their order": `
			A 600     =
			B 400     = B over
			C 500     = waits, B over
			D 500     = waits, B over
			B 900     = B over
			B gives 0 = C goes on, C over
			A gives 0 = D goes on, C over
			C gives 0 =`,
		"who fits passes those who wait, and leaves something for smaller ones": `
			A 600     =
			B 600     = B over
			B gives 100 =
			C 300     = C over
			D 300     = waits, C over
			C gives 0 = D goes on, D over
			E 300     = waits, D over
			F 4       = D over
			A gives 200 = E goes on, D over
			G 320     = waits, D over
			H 300     = D over`,
		"one that is over and slow is ended alone": `
			A 500     =
			A sends 5 =
			B 500     = B over
			B sends 4 = B over
			C 500     = waits, B over
			look 6    = ends B, B over
			look 7    = B over
			B gives 0 = C goes on, C over`,
		"as many of the slowest as the first needs are ended": `
			A 200     =
			B 200     =
			C 200     =
			D 200     =
			A sends 7 =
			B sends 5 =
			C sends 6 =
			E 100     =
			F 100     = F over
			G 160     = waits, F over
			look 4    = F over
			look 10   = ends B, F over
			look 11   = F over
			B gives 0 = G goes on, F over`,
		"who waits is ended only if it was slow before": `
			A 700     =
			B 200     =
			O 300     = O over
			A 800     = waits, O over
			B 300     = waits, O over
			look 1000 = O over
			B sends 1 = O over
			look 1001 = ends B, O over
			A sends 1 = O over
			look 1002 = ends A, O over
			O gives 0 =`,
		"who works is not ended, however long": `
			A 700     =
			A sends 5 =
			A works   =
			B 900     = B over
			B works   = B over
			C 900     = waits, B over
			look 1000 = B over
			B gives 0 = C goes on, C over`,
		"what is to come back is counted once": `
			A 600     =
			A sends 5 =
			B 600     = B over
			D 500     = waits, B over
			D sends 5 = B over
			look 4    = B over
			C 500     = waits, B over
			look 6    = ends D, ends A, B over
			look 7    = B over
			A gives 0 = C goes on, B over
			B gives 0 =`,
		"a stop lets everybody in": `
			A 700     =
			B 900     = B over
			C 900     = waits, B over
			open      = C goes on, B over
			D 900     = B over`,
	} {
		t.Run(name, func(t *testing.T) {
			s := scene{room: newRoom(1000), claims: map[string]*claim{}, turns: map[string]<-chan bool{}}
			for line := range strings.Lines(script) {
				if line = strings.TrimSpace(line); line == "" {
					continue
				}
				does, want, _ := strings.Cut(line, "=")
				if got := s.play(t, does); got != strings.TrimSpace(want) {
					t.Fatalf("%s: %q, want %q", does, got, strings.TrimSpace(want))
				}
			}
			for range s.claims { // some are let in by the others' end
				for _, c := range s.claims {
					s.room.set(c, 0)
				}
			}
			if r := &s.room; r.used != 0 || r.leaving != 0 || r.holders.next != &r.holders {
				t.Errorf("%d bytes are left, %d of them on their way", r.used, r.leaving)
			}
		})
	}
}
