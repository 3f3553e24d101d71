package differ

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What changes the metadata and is looked at: quotas, SCRAM users, transactions. Kafka
// applies a change after it has answered, in order, so that one more change that is seen
// proves those before it.

func (w *world) alterQuotas() {
	user, client := w.Topic("user"), w.Topic("client")
	var entries []quotaEntry
	for range 1 + w.number(2) {
		entity := pick(w, [][]string{{"user", user}, {"client-id", client}, {"user", user, "client-id", client}, {"group", "g"}, {"user", ""}, {}})
		key := pick(w, []string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "nonsense"})
		if w.rarely(3) {
			entries = append(entries, quotaDrop(quotaOf(entity...), key))
		} else {
			entries = append(entries, quotaSet(quotaOf(entity...), key, pick(w, []float64{1, 1000, 0.5, 0, -1})))
		}
	}
	w.ask("alter quotas", alterQuotas(entries...))
	last := w.Topic("last")
	w.settled++
	w.quietly(func() {
		w.Quiet(alterQuotas(quotaSet(quotaOf("user", last), "producer_byte_rate", float64(w.settled))))
		w.Until(describeQuotas(true, quotaFilter("user", matchExact, &last)), func(r kmsg.Response) bool {
			entries := r.(*kmsg.DescribeClientQuotasResponse).Entries
			return len(entries) == 1 && entries[0].Values[0].Value == float64(w.settled)
		})
	})
}

func (w *world) describeQuotas() {
	user, client := w.Topic("user"), w.Topic("client")
	components := pick(w, [][]kmsg.DescribeClientQuotasRequestComponent{
		{quotaFilter("user", matchExact, &user)}, {quotaFilter("client-id", matchExact, &client)},
		{quotaFilter("user", matchExact, &user), quotaFilter("client-id", matchAny, nil)},
		{quotaFilter("user", matchExact, &user), quotaFilter("client-id", matchDefault, nil)},
		{quotaFilter("group", matchAny, nil)}, {quotaFilter("user", 7, nil)},
	})
	w.ask("quotas", describeQuotas(w.rarely(2), components...))
}

func (w *world) alterScram() {
	users := []string{w.Topic("a"), w.Topic("b"), ""}
	var sets []scramUpsertion
	for range w.number(3) {
		sets = append(sets, setScram(pick(w, users), int8(w.number(4)), pick(w, []int32{4096, 5000, 16384, 4095, 16385})))
	}
	var drops []scramDeletion
	if w.rarely(2) {
		drops = append(drops, dropScram(pick(w, users), int8(w.number(4))))
	}
	w.ask("alter scram users", alterScram(drops, sets...))
	last := w.Topic("last")
	w.settled++
	w.quietly(func() {
		w.Quiet(alterScram(nil, setScram(last, 1, 4096+int32(w.settled))))
		w.Until(describeScram(last), func(r kmsg.Response) bool {
			infos := r.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results[0].CredentialInfos
			return len(infos) == 1 && infos[0].Iterations == 4096+int32(w.settled)
		})
	})
}

func (w *world) describeScram() {
	users := []string{w.Topic("a"), w.Topic("b"), w.Topic("never-made"), ""}
	asked := []string{pick(w, users)}
	if w.rarely(2) {
		asked = append(asked, pick(w, users))
	}
	w.ask(fmt.Sprintf("scram users %q", asked), describeScram(asked...))
}

func (w *world) describeTransactions() {
	names := []string{w.producers[0].name, w.producers[1].name, w.Group("never-made"), ""}
	asked := []string{pick(w, names)}
	if w.rarely(3) {
		asked = append(asked, pick(w, names))
	}
	w.ask(fmt.Sprintf("transactions %q", asked), describeTransactions(asked...))
}

// listTransactions asks for those of this world alone.
func (w *world) listTransactions() {
	states := pick(w, [][]string{nil, {"Ongoing"}, {"Empty"}, {"CompleteCommit", "CompleteAbort"}, {"Sleeping"}})
	ids := []int64{1 << 50}
	for _, p := range w.producers {
		if p.id >= 0 {
			ids = append(ids, p.id)
		}
	}
	pattern := pick(w, []*string{nil, ptr(".*tx0"), ptr("tx0"), ptr("(")})
	w.ask("list transactions", listTransactions(func(r *kmsg.ListTransactionsRequest) {
		r.ProducerIDFilters, r.StateFilters, r.TransactionalIDPattern = ids, states, pattern
	}))
}

// cleanUp takes away what would make the answers to later sequences long. It is not part
// of the story, and what cannot be taken away stays.
func (w *world) cleanUp() {
	defer func() { _ = recover() }() // the story is over
	w.Choose = nil
	for _, c := range w.consumers {
		w.Quiet(edited(c.beatRequest(), func(r *kmsg.ConsumerGroupHeartbeatRequest) { r.MemberEpoch = -1 }))
	}
	for _, m := range w.members {
		w.Quiet(m.leaveRequest())
	}
	if w.sharing != nil {
		w.sharing.cleanUp(w.Session)
	}
	w.Quiet(deleteGroups(append([]string{w.Group("txg")}, w.groups...)...))
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 10_000
	for i := range w.topics {
		one := kmsg.NewDeleteTopicsRequestTopic()
		one.Topic = &w.topics[i].name
		req.TopicNames, req.Topics = append(req.TopicNames, w.topics[i].name), append(req.Topics, one)
	}
	w.Quiet(req)
}
