package api

// AlterClientQuotas (key 49), versions 0 and 1.
//
// Sets and removes limits of users, client ids and addresses. Each entity is
// judged by itself; all that change are one write. The limits are kept as KRaft's
// client quota records and not enforced yet.
//
//	v0     set or remove, validate only
//	v1     flexible

import (
	"context"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
)

var alterClientQuotas = now(0, 1, (*API).alterClientQuotas)

func (a *API) alterClientQuotas(r *Request, q *kmsg.AlterClientQuotasRequest) *kmsg.AlterClientQuotasResponse {
	p := q.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	a.wait(r)
	alterations := make([]metadata.QuotaAlteration, len(q.Entries))
	hosts := make(map[string]bool)
	for i := range q.Entries {
		alterations[i] = quotaAlterationOf(&q.Entries[i])
		for _, part := range alterations[i].Entity {
			if part.Type == metadata.QuotaIP && part.Name != nil && *part.Name != "" {
				hosts[*part.Name] = false
			}
		}
	}
	resolveHosts(hosts)
	isHost := func(name string) bool { return hosts[name] }
	var results []metadata.QuotaResult
	_, err := a.change(r, 0, func(image *metadata.Image) (records []metadata.Record, _ error) {
		records, results = metadata.AlterClientQuotas(image, alterations, isHost)
		if q.ValidateOnly {
			records = nil
		}
		return records, nil
	})
	if results == nil { // the change was never tried
		_, results = metadata.AlterClientQuotas(a.Metadata.Image(), alterations, isHost)
	}
	for _, result := range results {
		if result.Err == nil {
			result.Err = err
		}
		one := kmsg.NewAlterClientQuotasResponseEntry()
		one.ErrorCode, one.ErrorMessage = problemOf(result.Err)
		for _, part := range result.Entity {
			entity := kmsg.NewAlterClientQuotasResponseEntryEntity()
			entity.Type, entity.Name = part.Type, part.Name
			one.Entity = append(one.Entity, entity)
		}
		p.Entries = append(p.Entries, one)
	}
	return p
}

// quotaAlterationOf keeps the last part of each type, as Kafka does.
func quotaAlterationOf(q *kmsg.AlterClientQuotasRequestEntry) metadata.QuotaAlteration {
	var a metadata.QuotaAlteration
	at := make(map[string]int, len(q.Entity))
	for _, part := range q.Entity {
		entity := metadata.QuotaEntity{Type: part.Type, Name: part.Name}
		if i, again := at[part.Type]; again {
			a.Entity[i] = entity
			continue
		}
		at[part.Type] = len(a.Entity)
		a.Entity = append(a.Entity, entity)
	}
	for _, op := range q.Ops {
		a.Ops = append(a.Ops, metadata.QuotaOp{Key: op.Key, Value: op.Value, Remove: op.Remove})
	}
	return a
}

// resolveTimeout bounds all names of a request together: a resolver that is away
// must not hold the connection.
const resolveTimeout = 5 * time.Second

// resolveHosts notes which names are addresses, or are known to have one.
func resolveHosts(hosts map[string]bool) {
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	for name := range hosts {
		if net.ParseIP(name) != nil {
			hosts[name] = true
			continue
		}
		found, err := net.DefaultResolver.LookupHost(ctx, name)
		hosts[name] = err == nil && len(found) > 0
	}
}
