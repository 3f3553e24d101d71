package quotas

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A producer and a consumer that are allowed 1 MB/s write and read within a tenth of that:
// over two whole windows of eleven seconds, each of which lets ten seconds' worth through at
// once. A third client is not concerned. What is counted are bytes; a machine that is too
// busy for two of them in a second is too busy for this test.
func TestClientsAreHeldToTheirRate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 22 s for each broker")
	}
	const (
		windows   = 22 * time.Second
		perSecond = 1_000_000
		request   = 16_000
	)
	onBoth(t, func(w *world) {
		w.createTopic("unlimited", "idle", 1)
		for range 10 {
			w.produce("unlimited", request)
		}
		w.limits(limit{"client-id", "producer", "producer_byte_rate", perSecond}, limit{"client-id", "consumer", "consumer_byte_rate", perSecond})
		over := time.Now().Add(windows)
		written, read, throttled := 0, 0, 0
		var clients sync.WaitGroup
		clients.Go(func() {
			written = w.until(over, "producer", 9, func() kmsg.Request { return produceOf(request) }, func(kmsg.Response) int { return request })
		})
		clients.Go(func() {
			read = w.until(over, "consumer", 12, func() kmsg.Request { return fetchOf(3 * request) }, func(p kmsg.Response) int {
				return fetched(p.(*kmsg.FetchResponse))
			})
		})
		clients.Go(func() {
			throttled = w.until(over, "unlimited", 12, slowFetch, func(p kmsg.Response) int { return int(p.(*kmsg.FetchResponse).ThrottleMillis) })
		})
		clients.Wait()
		for what, bytes := range map[string]int{"written": written, "read": read} {
			rate := float64(bytes) / windows.Seconds()
			w.t.Logf("%s: %.3f MB/s", what, rate/1e6)
			if rate < 0.9*perSecond || rate > 1.1*perSecond {
				w.t.Errorf("%s: %.3f MB/s", what, rate/1e6)
			}
		}
		if throttled != 0 {
			w.t.Errorf("a client without a limit was throttled for %d ms", throttled)
		}
	})
}

// slowFetch waits for half a second each time: nothing comes.
func slowFetch() kmsg.Request {
	q := fetchOf(1000)
	q.Topics[0].Topic, q.MaxWaitMillis = "idle", 500
	return q
}

// until asks as long as there is time, over one connection, and adds up what the answers
// are about.
func (w *world) until(over time.Time, clientID string, version int16, request func() kmsg.Request, count func(kmsg.Response) int) (sum int) {
	c := w.dial(clientID)
	for {
		q := request()
		q.SetVersion(version)
		p, err := c.Call(q)
		if time.Now().After(over) {
			return sum
		}
		if err != nil {
			w.t.Errorf("%s: %v", clientID, err)
			return sum
		}
		sum += count(p)
	}
}
