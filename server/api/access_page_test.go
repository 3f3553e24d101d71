package api

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

const accessPage = "../../docs/access-rules.md"

// open are the APIs that ask an authorizer nothing, and why.
var open = map[kmsg.Key]string{
	kmsg.ApiVersions:           "open: it comes before everything",
	kmsg.SASLHandshake:         "open: it is how clients come in",
	kmsg.SASLAuthenticate:      "open: it is how clients come in",
	kmsg.RenewDelegationToken:  "nothing: the owner and the renewers of the token may do it",
	kmsg.ExpireDelegationToken: "nothing: the owner and the renewers of the token may do it",
}

// What each API asks is declared, and the page is made of that: a page that differs from the
// code was a hole of its own in Kafka (CVE-2026-41115).
func TestTheAccessPageListsTheTable(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| key | API | asks for |\n|--:|---|---|\n")
	entries, _ := buildTable()
	for _, e := range entries {
		if e == nil {
			continue
		}
		why, isOpen := open[kmsg.Key(e.key)]
		if isOpen == (len(e.access) > 0) {
			t.Errorf("%s asks for %v, and is said to be open: %v", e.name, e.access, isOpen)
		}
		needs := make([]string, len(e.access))
		for i, n := range e.access {
			needs[i] = n.operation.String() + " on " + n.on.String()
		}
		fmt.Fprintf(&rows, "| %d | %s | %s |\n", e.key, e.name, strings.Join(needs, ", ")+why)
	}
	rewriteBetweenMarks(t, accessPage, rows.String())
}

// rewriteBetweenMarks compares what a page has between the marks of its table, and
// replaces it with -rewrite.
func rewriteBetweenMarks(t *testing.T, page, table string) {
	t.Helper()
	const begin, end = "<!-- table: begin -->\n", "<!-- table: end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has lost the marks around its table", page)
	}
	want := head + begin + table + end + tail
	if want == string(text) {
		return
	}
	if !*rewrite {
		t.Fatalf("%s is stale: go test ./server/api -run Page -rewrite", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// denials are the codes of what an authorizer denies.
var denials = []*protocol.Error{errTopicDenied, errGroupDenied, errClusterDenied, errTxnDenied, protocol.ErrDelegationTokenAuthorizationFailed}

// Who is allowed nothing is denied by every API in every version, where Kafka says so. The
// golden file lists the places.
func TestWhoMayDoNothing(t *testing.T) {
	w := newGuardedWorld(t, "barnabas.replication.clamp=true")
	w.topic("orders", 1)
	topic := *w.store.Image().Topic("orders")
	w.become("alice")
	end := w.store.Image().EndOffset()
	var page strings.Builder
	for _, e := range table() {
		if _, isOpen := open[kmsg.Key(e.key)]; isOpen {
			continue
		}
		var last string
		for version := e.min; version <= e.max; version++ {
			q := kmsg.RequestForKey(e.key)
			q.SetVersion(version)
			setDefaults(reflect.ValueOf(q))
			q.SetVersion(version)
			sample(reflect.ValueOf(q).Elem(), "", topic)
			switch q := q.(type) {
			case *kmsg.ProduceRequest:
				q.Acks, q.TransactionID = 1, nil
			case *kmsg.FetchRequest:
				q.SessionEpoch, q.SessionID, q.ReplicaID, q.ReplicaState.ID = -1, 0, -1, -1
			}
			answer := ask[kmsg.Response](w, version, q)
			var places []string
			for _, denial := range denials {
				for _, place := range codesIn(reflect.ValueOf(answer).Elem(), ".", denial.Code) {
					places = append(places, place+" "+denial.Name)
				}
			}
			text := strings.Join(places, "  ")
			if text == "" {
				text = "(empty)"
			}
			if text != last {
				fmt.Fprintf(&page, "%s v%d: %s\n", e.name, version, text)
			}
			last = text
		}
	}
	const golden = "testdata/denied.txt"
	if *rewrite {
		w.must(os.WriteFile(golden, []byte(page.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	w.must(err)
	if string(want) != page.String() {
		t.Errorf("%s is not what the answers say (-rewrite):\n%s", golden, page.String())
	}
	if got := w.store.Image().EndOffset(); got != end {
		t.Errorf("the metadata has %d records more", got-end)
	}
}
