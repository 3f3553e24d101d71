package server

import (
	"bytes"
	"testing"
	"time"
)

// outOf is an answer of n bytes before a range of the source.
func outOf(n int, s *memorySource) *Out {
	o := &Out{start: -1}
	o.Begin()
	o.SetBytes(append(o.Bytes(), bytes.Repeat([]byte{'x'}, n)...))
	s.hold()
	o.AppendRange(s, 0, 10)
	o.End()
	return o
}

func TestAnAnswerForAClosedQueueIsReleased(t *testing.T) {
	var q queue
	var source memorySource
	q.init(10)
	q.close()
	if q.push(&Ticket{queue: &q, out: outOf(1, &source), done: true}) {
		t.Fatal("a closed queue took an answer")
	}
	if n := source.holders.Load(); n != 0 {
		t.Fatalf("%d sources are still held", n)
	}
}

func TestAnswersBehindAParkedOneAreBoundedInBytes(t *testing.T) {
	var q queue
	var source memorySource
	q.init(10)
	head := &Ticket{queue: &q}
	q.push(head)
	q.push(&Ticket{queue: &q, out: outOf(queuedBytesMax, &source), done: true})
	third := make(chan bool, 1)
	go func() { third <- q.push(&Ticket{queue: &q, out: outOf(1, &source), done: true}) }()
	select {
	case <-third:
		t.Fatal("an answer was queued behind more than the limit")
	case <-time.After(20 * time.Millisecond):
	}
	head.Reply(nil)
	for _, ticket := range q.take(nil) {
		dropTicket(ticket)
	}
	if !<-third {
		t.Fatal("there is room again, and the answer was refused")
	}
	q.close()
	if n := source.holders.Load(); n != 0 {
		t.Fatalf("%d sources are still held", n)
	}
}
