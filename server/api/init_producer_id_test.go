package api

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

func initRequest() *kmsg.InitProducerIDRequest {
	q := kmsg.NewPtrInitProducerIDRequest()
	q.TransactionTimeoutMillis = 60_000
	return q
}

// Every version gives another id with epoch 0, and a restart never gives one again.
func TestProducerIDsAreNeverHandedOutTwice(t *testing.T) {
	w := newWorld(t)
	seen := map[int64]bool{}
	for range 2 {
		for version := int16(0); version <= 5; version++ {
			p := ask[*kmsg.InitProducerIDResponse](w, version, initRequest())
			if p.ErrorCode != 0 || p.ProducerEpoch != 0 || p.ProducerID < 0 || seen[p.ProducerID] {
				t.Errorf("version %d: %+v", version, p)
			}
			seen[p.ProducerID] = true
		}
		w.restart()
	}
}

func TestProducerIDsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	empty, transactional := "", "orders"
	for name, c := range map[string]struct {
		change func(*kmsg.InitProducerIDRequest)
		code   int16
	}{
		"an empty transactional id":    {func(q *kmsg.InitProducerIDRequest) { q.TransactionalID = &empty }, protocol.ErrInvalidRequest.Code},
		"a transactional id":           {func(q *kmsg.InitProducerIDRequest) { q.TransactionalID = &transactional }, protocol.ErrTransactionalIDAuthorizationFailed.Code},
		"an id without epoch":          {func(q *kmsg.InitProducerIDRequest) { q.ProducerID = 4 }, protocol.ErrInvalidRequest.Code},
		"an epoch without id":          {func(q *kmsg.InitProducerIDRequest) { q.ProducerEpoch = 4 }, protocol.ErrInvalidRequest.Code},
		"an id and its epoch":          {func(q *kmsg.InitProducerIDRequest) { q.ProducerID, q.ProducerEpoch = 4, 2 }, 0},
		"no transactional id, no time": {func(q *kmsg.InitProducerIDRequest) { q.TransactionTimeoutMillis = -1 }, 0},
	} {
		q := initRequest()
		c.change(q)
		p := ask[*kmsg.InitProducerIDResponse](w, 5, q)
		if p.ErrorCode != c.code || c.code != 0 && (p.ProducerID != -1 || p.ProducerEpoch != -1) {
			t.Errorf("%s: %+v, want error %d", name, p, c.code)
		}
	}
}

// Many producers at once get different ids, also where a block ends.
func TestProducerIDsOfManyProducersAtOnce(t *testing.T) {
	var ids producerIDs
	var next protocol.ProducerID
	fetch := func() (metadata.ProducerIDBlock, error) { // called by one goroutine at a time
		next += 10
		return metadata.ProducerIDBlock{First: next, Count: 10}, nil
	}
	var mu sync.Mutex
	seen := map[protocol.ProducerID]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				id, err := ids.take(fetch)
				mu.Lock()
				if err != nil || seen[id] {
					t.Errorf("id %d again, or error %v", id, err)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 200 {
		t.Errorf("%d ids", len(seen))
	}
}
