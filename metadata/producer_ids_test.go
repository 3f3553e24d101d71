package metadata

import (
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Many producers at once get different ids, also where a block ends.
func TestProducerIDsOfManyProducersAtOnce(t *testing.T) {
	var next protocol.ProducerID
	ids := NewProducerIDs(func() (ProducerIDBlock, error) { // called by one goroutine at a time
		next += 10
		return ProducerIDBlock{First: next, Count: 10}, nil
	})
	var mu sync.Mutex
	seen := map[protocol.ProducerID]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				id, err := ids.Next()
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
