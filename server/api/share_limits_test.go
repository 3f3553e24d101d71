package api

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// What was aborted is passed over at once: behind it there may be records.
func TestShareFetchPassesAbortedRecords(t *testing.T) {
	w, id := shareWorld(t)
	w.configureGroup("g", "share.isolation.level=read_committed")
	w.transact("t", "+1 +1 +1 !1")
	s := w.sharer("m", id)
	q := s.fetchRequest()
	q.MaxBytes, q.MaxWaitMillis = 1, 60_000 // one batch at a time
	if text := s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)); !strings.HasSuffix(text, " 3-3:1]") {
		t.Errorf("it gets %q", text)
	}
}

// Bytes that were there before the wait count as those that come during it.
func TestShareFetchCountsBytesThatWereThere(t *testing.T) {
	w, id := shareWorld(t)
	half := strings.Repeat("x", 1000)
	w.produce("t", 0, half)
	s := w.sharer("m", id)
	q := s.fetchRequest()
	q.MinBytes, q.MaxWaitMillis = 1500, 60_000
	got := make(chan string, 1)
	before := w.clock.Pending()
	go func() { got <- s.tell(askAs[*kmsg.ShareFetchResponse](s, 2, q)) }()
	for w.clock.Pending() == before && len(got) == 0 { // until the wait has begun
		runtime.Gosched()
	}
	w.produce("t", 0, half)
	expect(t, "both", <-got, fmt.Sprintf("[0 0=%s 1=%s 0-1:1]", half, half))
}

// A member's id is measured as Java does, in all requests alike.
func TestShareMembersWithLongNames(t *testing.T) {
	w, id := shareWorld(t)
	s := w.sharer(strings.Repeat("ü", 36), id)
	expect(t, "36 characters", s.fetch(), "[0]")
	s.name, s.epoch = strings.Repeat("𝄞", 19), 0 // of two UTF-16 units each
	expect(t, "38 units", s.fetch(), "INVALID_REQUEST")
}

// A connection remembers the sessions that it has, not those that it had.
func TestShareSessionsOfOneConnection(t *testing.T) {
	w, id := shareWorld(t)
	a := New(Rooms{Config: w.settings.Load, Shares: w.shares})
	p := &Peer{}
	for i := range 1000 {
		s, err := a.shareSessions.open(shareMember{"g", fmt.Sprint(i)}, []sharePartitionKey{{topicID: id}})
		w.must(err)
		a.ownShares(p, s)
		if i >= 10 {
			a.endShareSession(s)
		}
	}
	if len(p.shares.sessions) > 100 {
		t.Errorf("it remembers %d", len(p.shares.sessions))
	}
	a.endShareSessions(p)
	if n := len(a.shareSessions.mu.sessions); n != 0 || !a.shareSessions.isEmpty("g") {
		t.Errorf("%d sessions are left", n)
	}
}

// A session forgets many partitions in one go.
func TestShareSessionForgets(t *testing.T) {
	sessions := newShareSessions(func() int { return 1 })
	var all, even []sharePartitionKey
	for i := range int32(10) {
		k := sharePartitionKey{protocol.UUID{1}, i}
		if all = append(all, k); i%2 == 0 {
			even = append(even, k)
		}
	}
	s, err := sessions.open(shareMember{"g", "m"}, all)
	if err != nil {
		t.Fatal(err)
	}
	s.forget(append(even, sharePartitionKey{protocol.UUID{2}, 0}))
	left := sessions.listed(s)
	for i, k := range left {
		if k.index != int32(2*i+1) {
			t.Errorf("it has %v", left)
		}
	}
	if len(left) != 5 || len(s.byKey) != 5 {
		t.Errorf("%d are left, %d by key", len(left), len(s.byKey))
	}
}
