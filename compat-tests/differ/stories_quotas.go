package differ

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

type quotaEntry = kmsg.AlterClientQuotasRequestEntry

// quotaOf is a change for an entity: type, name, ... where "<default>" is null.
func quotaOf(entity ...string) quotaEntry {
	e := kmsg.NewAlterClientQuotasRequestEntry()
	for i := 0; i < len(entity); i += 2 {
		part := kmsg.NewAlterClientQuotasRequestEntryEntity()
		part.Type = entity[i]
		if entity[i+1] != "<default>" {
			part.Name = &entity[i+1]
		}
		e.Entity = append(e.Entity, part)
	}
	return e
}

func quotaSet(e quotaEntry, key string, value float64) quotaEntry {
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value = key, value
	e.Ops = append(e.Ops, op)
	return e
}

func quotaDrop(e quotaEntry, key string) quotaEntry {
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Remove = key, true
	e.Ops = append(e.Ops, op)
	return e
}

func alterQuotas(entries ...quotaEntry) *kmsg.AlterClientQuotasRequest {
	req := kmsg.NewPtrAlterClientQuotasRequest()
	req.Entries = entries
	return req
}

func quotaFilter(entity string, match kmsg.QuotasMatchType, name *string) kmsg.DescribeClientQuotasRequestComponent {
	c := kmsg.NewDescribeClientQuotasRequestComponent()
	c.EntityType, c.MatchType, c.Match = entity, match, name
	return c
}

func describeQuotas(strict bool, components ...kmsg.DescribeClientQuotasRequestComponent) *kmsg.DescribeClientQuotasRequest {
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Strict, req.Components = strict, components
	return req
}

const (
	matchExact   = kmsg.QuotasMatchTypeExact
	matchDefault = kmsg.QuotasMatchTypeDefault
	matchAny     = kmsg.QuotasMatchTypeAny
)

func quotaStories() []Story {
	return []Story{
		{Name: "alter client quotas/every way", Key: kmsg.AlterClientQuotas, Tell: tellAlterQuotas},
		{Name: "describe client quotas/filters", Key: kmsg.DescribeClientQuotas, Tell: tellDescribeQuotas},
	}
}

func tellAlterQuotas(s *Session) {
	user, client := s.Topic("user"), s.Topic("client")
	checked := alterQuotas(quotaSet(quotaOf("user", user), "producer_byte_rate", 1000))
	checked.ValidateOnly = true
	s.Ask("none", alterQuotas())
	s.Ask("only checked", checked)
	s.Ask("user", alterQuotas(quotaSet(quotaSet(quotaOf("user", user), "producer_byte_rate", 1000), "request_percentage", 12.5)))
	s.Ask("two entities", alterQuotas(
		quotaSet(quotaOf("client-id", client), "consumer_byte_rate", 5),
		quotaSet(quotaOf("client-id", client, "user", user), "controller_mutation_rate", 0.25)))
	for _, c := range []struct {
		label string
		entry quotaEntry
	}{
		{"the same again", quotaSet(quotaOf("user", user), "producer_byte_rate", 1000)},
		{"nothing to do", quotaOf("user", user)},
		{"removed, unknown", quotaDrop(quotaOf("user", user), "consumer_byte_rate")},
		{"removed, no such key", quotaDrop(quotaOf("user", user), "nonsense")},
		{"no entity", quotaSet(quotaOf(), "producer_byte_rate", 1)},
		{"unknown entity", quotaSet(quotaOf("group", "g"), "producer_byte_rate", 1)},
		{"empty type", quotaSet(quotaOf("", "g"), "producer_byte_rate", 1)},
		{"empty name", quotaSet(quotaOf("user", ""), "producer_byte_rate", 1)},
		{"a type twice", quotaSet(quotaOf("user", user, "user", client), "producer_byte_rate", 77)},
		{"address and user", quotaSet(quotaOf("ip", "10.0.0.1", "user", user), "connection_creation_rate", 1)},
		{"address and client", quotaSet(quotaOf("ip", "10.0.0.1", "client-id", client), "connection_creation_rate", 1)},
		{"no address", quotaSet(quotaOf("ip", "no address at all"), "connection_creation_rate", 1)},
		{"empty address", quotaSet(quotaOf("ip", ""), "connection_creation_rate", 1)},
		{"name of an address", quotaSet(quotaOf("ip", "localhost"), "connection_creation_rate", 1)},
		{"unknown key", quotaSet(quotaOf("user", user), "nonsense", 1)},
		{"an address's key", quotaSet(quotaOf("user", user), "connection_creation_rate", 1)},
		{"a user's key", quotaSet(quotaOf("ip", "10.0.0.1"), "producer_byte_rate", 1)},
		{"zero", quotaSet(quotaOf("user", user), "producer_byte_rate", 0)},
		{"negative", quotaSet(quotaOf("user", user), "request_percentage", -1)},
		{"fraction", quotaSet(quotaOf("user", user), "producer_byte_rate", 1.5)},
		{"nearly whole", quotaSet(quotaOf("user", user), "consumer_byte_rate", 3.0000001)},
		{"less than one", quotaSet(quotaOf("user", user), "consumer_byte_rate", 0.5)},
		{"too large for an int", quotaSet(quotaOf("ip", "10.0.0.1"), "connection_creation_rate", math.MaxInt32+1)},
		{"too large for a long", quotaSet(quotaOf("user", user), "producer_byte_rate", 1e30)},
		{"largest long", quotaSet(quotaOf("user", user), "producer_byte_rate", math.MaxInt64)},
		{"infinite", quotaSet(quotaOf("user", user), "request_percentage", math.Inf(1))},
		{"a key twice", quotaSet(quotaSet(quotaOf("user", user), "producer_byte_rate", 1), "producer_byte_rate", 2)},
		{"one key is wrong", quotaSet(quotaSet(quotaOf("user", user), "consumer_byte_rate", 42), "nonsense", 2)},
		{"set and removed", quotaDrop(quotaSet(quotaOf("user", user), "producer_byte_rate", 4242), "request_percentage")},
	} {
		s.Ask(c.label, alterQuotas(c.entry))
	}
	s.Ask("an entity twice", alterQuotas(
		quotaSet(quotaOf("client-id", client), "consumer_byte_rate", 50), quotaSet(quotaOf("client-id", client), "consumer_byte_rate", 60)))
	s.Ask("one of two is wrong", alterQuotas(
		quotaSet(quotaOf("client-id", client), "producer_byte_rate", 70), quotaSet(quotaOf("client-id", ""), "producer_byte_rate", 80)))
	s.Until(describeQuotas(false, quotaFilter("client-id", matchExact, &client)), func(r kmsg.Response) bool {
		entries := r.(*kmsg.DescribeClientQuotasResponse).Entries
		return len(entries) == 2 && len(entries[0].Values)+len(entries[1].Values) == 3
	})
	s.Ask("all of the user", describeQuotas(false, quotaFilter("user", matchExact, &user)))
	s.Ask("all of the client", describeQuotas(false, quotaFilter("client-id", matchExact, &client)))
	s.Ask("addresses", describeQuotas(false, quotaFilter("ip", matchExact, ptr("localhost"))))
	s.Ask("removed", alterQuotas(
		quotaDrop(quotaDrop(quotaDrop(quotaOf("user", user), "producer_byte_rate"), "consumer_byte_rate"), "request_percentage"),
		quotaDrop(quotaOf("ip", "localhost"), "connection_creation_rate"),
		quotaDrop(quotaDrop(quotaOf("client-id", client), "producer_byte_rate"), "consumer_byte_rate")))
	s.Until(describeQuotas(true, quotaFilter("user", matchExact, &user)), func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeClientQuotasResponse).Entries) == 0
	})
	s.Ask("what is left", describeQuotas(false, quotaFilter("user", matchExact, &user)))
	s.Quiet(alterQuotas(quotaDrop(quotaOf("client-id", client, "user", user), "controller_mutation_rate"), quotaDrop(quotaOf("user", client), "producer_byte_rate")))
}

func tellDescribeQuotas(s *Session) {
	user, client := s.Topic("user"), s.Topic("client")
	entities := [][]string{
		{"user", user}, {"user", "<default>"}, {"client-id", client}, {"client-id", "<default>"},
		{"user", user, "client-id", client}, {"user", user, "client-id", "<default>"},
		{"user", "<default>", "client-id", client}, {"user", "<default>", "client-id", "<default>"},
	}
	var set, drop []quotaEntry
	for i, entity := range entities {
		set = append(set, quotaSet(quotaOf(entity...), "producer_byte_rate", float64(i+1)))
		drop = append(drop, quotaDrop(quotaOf(entity...), "producer_byte_rate"))
	}
	set = append(set, quotaSet(quotaOf("ip", "10.1.2.3"), "connection_creation_rate", 3), quotaSet(quotaOf("ip", "<default>"), "connection_creation_rate", 4))
	drop = append(drop, quotaDrop(quotaOf("ip", "10.1.2.3"), "connection_creation_rate"), quotaDrop(quotaOf("ip", "<default>"), "connection_creation_rate"))
	s.Quiet(alterQuotas(set...))
	s.Until(describeQuotas(false), func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeClientQuotasResponse).Entries) == len(set)
	})
	matches := []struct {
		label string
		match kmsg.QuotasMatchType
		named bool
	}{{"of its own", matchExact, true}, {"default", matchDefault, false}, {"any", matchAny, false}}
	for _, strict := range []bool{false, true} {
		label := map[bool]string{false: "", true: ", strictly"}[strict]
		s.Ask("everything"+label, describeQuotas(strict))
		for _, of := range matches {
			part := func(entity, name string) kmsg.DescribeClientQuotasRequestComponent {
				if of.named {
					return quotaFilter(entity, of.match, &name)
				}
				return quotaFilter(entity, of.match, nil)
			}
			s.Ask("user "+of.label+label, describeQuotas(strict, part("user", user)))
			s.Ask("client "+of.label+label, describeQuotas(strict, part("client-id", client)))
			s.Ask("address "+of.label+label, describeQuotas(strict, part("ip", "10.1.2.3")))
			for _, and := range matches {
				other := quotaFilter("client-id", and.match, nil)
				if and.named {
					other.Match = &client
				}
				s.Ask("user "+of.label+" and client "+and.label+label, describeQuotas(strict, part("user", user), other))
			}
		}
	}
	s.Ask("nobody", describeQuotas(false, quotaFilter("user", matchExact, ptr("nobody"))))
	s.Ask("empty name", describeQuotas(false, quotaFilter("user", matchExact, ptr(""))))
	for _, c := range []struct {
		label string
		req   *kmsg.DescribeClientQuotasRequest
	}{
		{"empty type", describeQuotas(false, quotaFilter("", matchAny, nil))},
		{"unknown type", describeQuotas(false, quotaFilter("group", matchAny, nil))},
		{"a type twice", describeQuotas(false, quotaFilter("user", matchAny, nil), quotaFilter("user", matchDefault, nil))},
		{"exactly null", describeQuotas(false, quotaFilter("user", matchExact, nil))},
		{"default with a name", describeQuotas(false, quotaFilter("user", matchDefault, &user))},
		{"any with a name", describeQuotas(false, quotaFilter("user", matchAny, &user))},
		{"unknown match", describeQuotas(false, quotaFilter("user", 7, nil))},
		{"address and user", describeQuotas(false, quotaFilter("ip", matchAny, nil), quotaFilter("user", matchAny, nil))},
	} {
		s.Ask(c.label, c.req)
	}
	s.Quiet(alterQuotas(drop...))
	s.Until(describeQuotas(false), func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeClientQuotasResponse).Entries) == 0
	})
	s.Ask("nothing is left", describeQuotas(false))
}
