package api

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// A request makes 10,000 records of the metadata at most, whatever they are; one of
// more changes nothing, and is refused also when it only asks.
func TestTooManyRecords(t *testing.T) {
	w := newWorld(t)
	quotas := func(count int, validateOnly bool) []int16 {
		var entries []kmsg.AlterClientQuotasRequestEntry
		for i := range count - 1 {
			entries = append(entries, quotaEntry(fmt.Sprint("user=", i), "producer_byte_rate", 1))
		}
		entries = append(entries, quotaEntry("client-id=c", "producer_byte_rate", 1))
		return alterQuotas(w, validateOnly, entries...)
	}
	configs := func(count int, validateOnly bool) (codes []int16) {
		var resources []kmsg.IncrementalAlterConfigsRequestResource
		for i := range count {
			resources = append(resources, stepsOf(kmsg.ConfigResourceTypeClientMetrics, fmt.Sprint("s", i), step{set, "interval.ms", "5000"}))
		}
		for _, r := range alterSteps(w, 1, validateOnly, resources...) {
			codes = append(codes, r.ErrorCode)
		}
		return codes
	}
	users := func(count int, _ bool) (codes []int16) {
		var upsertions []kmsg.AlterUserSCRAMCredentialsRequestUpsertion
		for i := range count {
			upsertions = append(upsertions, upsertion(fmt.Sprint(i), 1, 4096))
		}
		for _, code := range alterScram(w, nil, upsertions...) {
			codes = append(codes, code)
		}
		return codes
	}
	for name, alter := range map[string]func(count int, validateOnly bool) []int16{"quotas": quotas, "configs": configs, "users": users} {
		for _, c := range []struct {
			count        int
			validateOnly bool
			want         int16
		}{
			{recordsPerRequestMax + 1, true, protocol.ErrPolicyViolation.Code},
			{recordsPerRequestMax + 1, false, protocol.ErrPolicyViolation.Code},
			{recordsPerRequestMax, true, 0},
		} {
			before := w.journal.End()
			codes := alter(c.count, c.validateOnly)
			if len(codes) != c.count {
				t.Fatalf("%s: %d answers", name, len(codes))
			}
			for _, code := range codes {
				if code != c.want {
					t.Fatalf("%s, %d, only asked %v: code %d, want %d", name, c.count, c.validateOnly, code, c.want)
				}
			}
			written := w.journal.End() != before
			if want := name == "users" && c.want == 0; written != want { // users are always set, never only checked
				t.Errorf("%s, %d, only asked %v: written %v, want %v", name, c.count, c.validateOnly, written, want)
			}
		}
	}
}

// Every entity of a request with too many records is told so, as in Kafka, also one
// that is wrong anyway.
func TestTooManyQuotas(t *testing.T) {
	w := newWorld(t)
	entries := []kmsg.AlterClientQuotasRequestEntry{quotaEntry("user=x", "nonsense", 1)}
	for i := range recordsPerRequestMax + 1 {
		entries = append(entries, quotaEntry(fmt.Sprint("user=", i), "producer_byte_rate", 1))
	}
	if codes := alterQuotas(w, false, entries...); codes[0] != protocol.ErrPolicyViolation.Code || codes[1] != codes[0] {
		t.Errorf("codes %v", codes[:2])
	}
}

// A topic with which there would be too many new partitions is refused by itself.
func TestTooManyPartitionsOfSeveralTopics(t *testing.T) {
	w := newWorld(t)
	w.topic("x", 1)
	w.topic("y", 1)
	for count, want := range map[int32]int16{4001: 0, 4002: protocol.ErrPolicyViolation.Code} {
		p := askPartitions(w, 3, true, partitionsRequest("x", 6001), partitionsRequest("y", count))
		if p[0].ErrorCode != 0 || p[1].ErrorCode != want {
			t.Errorf("y to %d: codes %d and %d, want 0 and %d", count, p[0].ErrorCode, p[1].ErrorCode, want)
		}
	}
}
