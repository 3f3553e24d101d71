package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// outline is the partitions of an answer in order, with their errors.
func outline(p *kmsg.FetchResponse, names map[[16]byte]string) string {
	var parts []string
	for _, t := range p.Topics {
		name := t.Topic + names[t.TopicID]
		var partitions []string
		for _, one := range t.Partitions {
			partitions = append(partitions, fmt.Sprintf("%d:%d", one.Partition, one.ErrorCode))
		}
		parts = append(parts, name+"["+strings.Join(partitions, " ")+"]")
	}
	return strings.Join(parts, " ")
}

// What cannot be read comes last, in the order in which Apache Kafka 4.3.1 answers, and
// a session keeps that order.
func TestFetchTellsOfWhatIsMissingLast(t *testing.T) {
	w := newWorld(t)
	id, other := w.topic("t", 2), w.topic("u", 1)
	names := map[[16]byte]string{id: "t", other: "u", {7}: "?"}
	q := fetchOf("t", 0, 0, 9, 1)
	q.Topics[0].TopicID = id
	q.Topics = append(q.Topics, fetchOf("nowhere", 0, 0).Topics[0], fetchOf("u", 0, 0, 9).Topics[0])
	q.Topics[1].TopicID, q.Topics[2].TopicID = [16]byte{7}, other
	q.SessionEpoch = sessionEpochInitial
	for version, want := range map[int16]string{
		7:  "t[0:0 1:0] u[0:0] t[9:3] nowhere[0:3] u[9:3]",
		13: "t[0:0 1:0] u[0:0] ?[0:100] t[9:3] u[9:3]",
	} {
		p := ask[*kmsg.FetchResponse](w, version, q)
		if got := outline(p, names); got != want {
			t.Errorf("version %d: %s, want %s", version, got, want)
		}
		again := fetchOf("t", 0)
		again.Topics, again.SessionID, again.SessionEpoch = nil, p.SessionID, 1
		errorsOnly := want[strings.Index(want, "] u[0:0] ")+len("] u[0:0] "):]
		if got := outline(ask[*kmsg.FetchResponse](w, version, again), names); got != errorsOnly {
			t.Errorf("version %d, again: %s, want %s", version, got, errorsOnly)
		}
	}
}

// A session remembers what its ids were called: a topic that was deleted is unknown by
// name, and one that was made anew is another one (KIP-516; answers of Apache Kafka 4.3.1).
func TestATopicOfASessionIsDeletedAndMadeAnew(t *testing.T) {
	w := newWorld(t)
	q := fetchOf("t", 0, 0)
	q.Topics[0].TopicID, q.SessionEpoch = w.topic("t", 1), sessionEpochInitial
	session := ask[*kmsg.FetchResponse](w, 13, q).SessionID
	for i, want := range []*protocol.Error{protocol.ErrUnknownTopicOrPartition, protocol.ErrInconsistentTopicID} {
		if i == 0 {
			deleteNames(w, 6, "t")
		} else {
			w.topic("t", 1)
		}
		next := fetchOf("t", 0)
		next.Topics, next.SessionID, next.SessionEpoch = nil, session, int32(i+1)
		p := ask[*kmsg.FetchResponse](w, 13, next)
		if len(p.Topics) != 1 || p.Topics[0].Partitions[0].ErrorCode != want.Code {
			t.Errorf("%s: %+v", want.Name, p)
		}
		if isNull := p.Topics[0].Partitions[0].AbortedTransactions == nil; isNull != (i == 1) {
			t.Errorf("%s: the list of aborted transactions is null: %v", want.Name, isNull)
		}
	}
}

// Where a log ends for a client that has more of its epoch is told of the right partition,
// also behind one that is missing, which comes last.
func TestFetchTellsOfADivergenceBehindWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.topic("t", 1)
	w.produce("t", 0, "only")
	q := fetchOf("t", 5, 9, 0)
	q.Topics[0].Partitions[1].LastFetchedEpoch = int32(w.store.Image().Topic("t").Partitions[0].LeaderEpoch)
	p := ask[*kmsg.FetchResponse](w, 12, q)
	if got := outline(p, nil); got != "t[0:0 9:3]" {
		t.Fatal(got)
	}
	if got := p.Topics[0].Partitions[0].DivergingEpoch; got.EndOffset != 1 {
		t.Errorf("the log ends at %d for the client, want 1", got.EndOffset)
	}
}
