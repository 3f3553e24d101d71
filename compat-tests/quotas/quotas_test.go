package quotas

import (
	"fmt"
	"math"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// checkThrottle compares a throttle time with what follows from the units used so far and
// the limit. The rate is taken over ten seconds and what has passed of the current one, so
// that the answer may be up to a second shorter; headers and rounding add little.
func checkThrottle(t *testing.T, what string, used, perSecond float64, got int32) {
	t.Helper()
	const least, second = 10_000, 1000
	want := max(used/perSecond*1000-least, 0)
	if float64(got) > want*1.01+1 || float64(got) < want-second {
		t.Errorf("%s: throttled for %d ms, want %.0f ms or up to a second less", what, got, want)
	}
}

// Whoever writes more than allowed is told how long that takes to be right, also in requests
// that come after; others are told nothing.
func TestProducersAreThrottled(t *testing.T) {
	onBoth(t, func(w *world) {
		w.limits(limit{"client-id", "limited", "producer_byte_rate", 100_000})
		const bytes = 300_000
		for n := 1; n <= 6; n++ {
			p := w.produce("limited", bytes)
			if code := p.Topics[0].Partitions[0].ErrorCode; code != 0 {
				w.t.Fatalf("error %d", code)
			}
			checkThrottle(w.t, fmt.Sprint("request ", n), float64(n*(bytes+100)), 100_000, p.ThrottleMillis)
		}
		if p := w.produce("unlimited", bytes); p.ThrottleMillis != 0 {
			w.t.Errorf("another client is throttled for %d ms", p.ThrottleMillis)
		}
	})
}

// A fetch that would be too much brings nothing and does not count, and none brings more
// than is allowed in ten seconds.
func TestConsumersAreThrottled(t *testing.T) {
	onBoth(t, func(w *world) {
		for range 15 {
			w.produce("unlimited", 100_000)
		}
		w.limits(limit{"client-id", "limited", "consumer_byte_rate", 100_000}, limit{"client-id", "greedy", "consumer_byte_rate", 50_000})
		fetch := func(clientID string, bytesMax int32) (bytes int, throttle int32) {
			p := ask[*kmsg.FetchResponse](w, clientID, 12, fetchOf(bytesMax))
			return fetched(p), p.ThrottleMillis
		}
		first, throttle := fetch("limited", 700_000)
		if throttle != 0 || first < 500_000 {
			w.t.Fatalf("%d bytes, throttled for %d ms", first, throttle)
		}
		for range 3 {
			bytes, throttle := fetch("limited", 700_000)
			if bytes != 0 {
				w.t.Errorf("%d bytes came with a throttle time of %d ms", bytes, throttle)
			}
			checkThrottle(w.t, "a fetch too much", float64(2*first), 100_000, throttle)
		}
		// Kafka fills an answer up with the beginning of a batch, and what is around the
		// records makes it too long by a millisecond's worth.
		if bytes, throttle := fetch("greedy", 50_000_000); bytes > 500_000 || throttle > 10 || (bytes == 0) != (throttle > 0) {
			w.t.Errorf("%d bytes, throttled for %d ms", bytes, throttle)
		}
		if bytes, throttle := fetch("unlimited", 1_000_000); bytes == 0 || throttle != 0 {
			w.t.Errorf("another client: %d bytes, throttled for %d ms", bytes, throttle)
		}
	})
}

// However much time requests take, a client waits for a second.
func TestRequestsAreThrottled(t *testing.T) {
	onBoth(t, func(w *world) {
		w.limits(limit{"client-id", "limited", "request_percentage", 0.00001})
		var last int32
		for n := 0; n < 100 && last < 1000; n++ {
			last = ask[*kmsg.MetadataResponse](w, "limited", 12, kmsg.NewPtrMetadataRequest()).ThrottleMillis
		}
		if last != 1000 {
			w.t.Errorf("throttled for %d ms", last)
		}
		if p := ask[*kmsg.MetadataResponse](w, "unlimited", 12, kmsg.NewPtrMetadataRequest()); p.ThrottleMillis != 0 {
			w.t.Errorf("another client is throttled for %d ms", p.ThrottleMillis)
		}
	})
}

// Eleven seconds' worth of partitions may be created at once. Then topics are refused, or
// created and paid for later where a version knows no error for it.
func TestChangesOfTopicsAreThrottled(t *testing.T) {
	onBoth(t, func(w *world) {
		w.limits(limit{"client-id", "strict", "controller_mutation_rate", 1}, limit{"client-id", "permissive", "controller_mutation_rate", 1})
		const exceeded = 89
		check := func(what string, code, wantCode int16, throttle, most int32) {
			w.t.Helper()
			if code != wantCode || throttle > most || float64(throttle) < math.Max(float64(most)-20_000, 0) || most > 0 && throttle == 0 {
				w.t.Errorf("%s: error %d, throttled for %d ms; want %d and up to %d ms", what, code, throttle, wantCode, most)
			}
		}
		code, throttle := w.createTopic("strict", "first", 71)
		check("as many as one likes", code, 0, throttle, 0)
		code, throttle = w.createTopic("strict", "second", 1)
		check("one more", code, exceeded, throttle, 60_000)
		q := kmsg.NewPtrDeleteTopicsRequest()
		doomed := kmsg.NewDeleteTopicsRequestTopic()
		doomed.Topic = kmsg.StringPtr("first")
		q.Topics, q.TimeoutMillis = append(q.Topics, doomed), 20_000
		p := ask[*kmsg.DeleteTopicsResponse](w, "strict", 6, q)
		check("a deletion", p.Topics[0].ErrorCode, exceeded, p.ThrottleMillis, 60_000)
		code, throttle = w.createTopic("permissive", "third", 71, 5)
		check("before KIP-599", code, 0, throttle, 60_000)
		code, throttle = w.createTopic("permissive", "fourth", 10, 5)
		check("and one more", code, 0, throttle, 70_000)
	})
}

// Of an address that is allowed one connection in a second ten are served at once, and all
// that come after are closed.
func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	onBoth(t, func(w *world) {
		const from = "127.0.0.9"
		w.limits(limit{"ip", from, "connection_creation_rate", 1})
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		served := 0
		for range 14 {
			c, err := dialer.Dial("tcp", w.address)
			if err != nil {
				w.t.Skipf("no connection comes from %s here: %v", from, err)
			}
			defer c.Close()
			request := kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 1)
			if _, err := c.Write(request); err != nil {
				continue
			}
			if n, _ := c.Read(make([]byte, 4)); n > 0 {
				served++
			}
		}
		if served != 10 {
			w.t.Errorf("%d connections are served", served)
		}
	})
}
