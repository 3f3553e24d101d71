package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

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
	empty := ""
	for name, c := range map[string]struct {
		change func(*kmsg.InitProducerIDRequest)
		code   int16
	}{
		"an empty transactional id":    {func(q *kmsg.InitProducerIDRequest) { q.TransactionalID = &empty }, protocol.ErrInvalidRequest.Code},
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
