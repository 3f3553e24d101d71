package api

// DescribeClientQuotas (key 48), versions 0 and 1.
//
// Lists the limits of users, client ids and addresses that fit a filter, from the
// metadata.
//
//	v0     filters by type: a name, the default, or any
//	v1     flexible

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeClientQuotas = now(kmsg.DescribeClientQuotas, 0, 1, (*API).describeClientQuotas).onCluster(auth.DescribeConfigs)

func (a *API) describeClientQuotas(_ *Request, q *kmsg.DescribeClientQuotasRequest) *kmsg.DescribeClientQuotasResponse {
	p := q.ResponseKind().(*kmsg.DescribeClientQuotasResponse)
	filter, err := quotaFilterOf(q)
	if err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		return p // with null for the entries
	}
	p.ErrorMessage = noText()
	p.Entries = []kmsg.DescribeClientQuotasResponseEntry{}
	for quota := range a.Metadata.Image().ClientQuotas() {
		if !filter.fits(quota) {
			continue
		}
		entry := kmsg.NewDescribeClientQuotasResponseEntry()
		for _, part := range quota.Entity {
			entity := kmsg.NewDescribeClientQuotasResponseEntryEntity()
			entity.Type, entity.Name = part.Type, part.Name
			entry.Entity = append(entry.Entity, entity)
		}
		for _, limit := range quota.Limits {
			value := kmsg.NewDescribeClientQuotasResponseEntryValue()
			value.Key, value.Value = limit.Key, limit.Value
			entry.Values = append(entry.Values, value)
		}
		p.Entries = append(p.Entries, entry)
	}
	return p
}

// quotaFilter is what a part of each type must be.
type quotaFilter struct {
	parts  map[string]kmsg.DescribeClientQuotasRequestComponent
	strict bool // no part of another type
}

// quotaFilterOf checks a filter in Kafka's order (ClientQuotasImage).
func quotaFilterOf(q *kmsg.DescribeClientQuotasRequest) (quotaFilter, error) {
	filter := quotaFilter{make(map[string]kmsg.DescribeClientQuotasRequestComponent, len(q.Components)), q.Strict}
	invalid := protocol.ErrInvalidRequest.WithMessage
	for _, c := range q.Components {
		_, again := filter.parts[c.EntityType]
		switch {
		case c.EntityType == "":
			return filter, invalid("Invalid empty entity type.")
		case again:
			return filter, invalid("Entity type %s cannot appear more than once in the filter.", c.EntityType)
		case c.EntityType != metadata.QuotaUser && c.EntityType != metadata.QuotaClientID && c.EntityType != metadata.QuotaIP:
			return filter, protocol.ErrUnsupportedVersion.WithMessage("Unsupported entity type %.64s", c.EntityType)
		case c.MatchType == kmsg.QuotasMatchTypeExact && c.Match == nil:
			return filter, invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.")
		case c.MatchType == kmsg.QuotasMatchTypeDefault && c.Match != nil:
			return filter, invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string.")
		case c.MatchType == kmsg.QuotasMatchTypeAny && c.Match != nil:
			return filter, invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.")
		case c.MatchType < kmsg.QuotasMatchTypeExact || c.MatchType > kmsg.QuotasMatchTypeAny:
			return filter, invalid("Unknown match type %d", c.MatchType)
		}
		filter.parts[c.EntityType] = c
	}
	if _, ofAddress := filter.parts[metadata.QuotaIP]; ofAddress && len(filter.parts) > 1 {
		return filter, invalid("Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.")
	}
	return filter, nil
}

func (f quotaFilter) fits(q *metadata.ClientQuota) bool {
	if f.strict && len(q.Entity) != len(f.parts) {
		return false
	}
	met := 0
	for _, part := range q.Entity {
		wanted, filtered := f.parts[part.Type]
		if !filtered {
			continue
		}
		met++
		if wanted.MatchType == kmsg.QuotasMatchTypeAny {
			continue
		}
		if (wanted.Match == nil) != (part.Name == nil) || part.Name != nil && *wanted.Match != *part.Name {
			return false
		}
	}
	return met == len(f.parts)
}
