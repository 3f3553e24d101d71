package api

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/fault"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Half of the connections are refused in part by a fault. Nobody gets the answer of another:
// the memory of a commit is used again only when nobody needs it.
func TestRefusedCommitsBesideOthers(t *testing.T) {
	w := newGroupWorld(t)
	w.topic("u", 1)
	w.topic("v", 1)
	w.fault(fault.Rule{Keys: []int16{8}, Topic: "t", Code: protocol.ErrUnknownTopicOrPartition.Code})
	addr := w.conn.RemoteAddr()
	var wg sync.WaitGroup
	for i := range 16 {
		c, err := net.Dial(addr.Network(), addr.String())
		w.must(err)
		in := bufio.NewReader(c)
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer c.Close()
			for n := range 500 {
				q := commitRequest(fmt.Sprint("g", i), commitTopic("u", protocol.UUID{}, 0))
				want := "u 0:0;"
				if i%2 == 0 {
					q = commitRequest(fmt.Sprint("g", i), commitTopic("t", protocol.UUID{}, 0), commitTopic("v", protocol.UUID{}, 0))
					want = "v 0:0;t 0:3;"
				}
				p := askOn[*kmsg.OffsetCommitResponse](w, c, in, 7, q)
				if got := results(p); got != want {
					t.Errorf("conn %d round %d: %s, want %s", i, n, got, want)
					return
				}
			}
		}()
	}
	wg.Wait()
}
