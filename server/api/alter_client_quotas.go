package api

// AlterClientQuotas (key 49), versions 0 and 1.
//
// Sets and removes limits of users, client ids and addresses. Each entity is
// judged by itself; all that change are one write. The limits are kept as KRaft's
// client quota records; from then on they hold (charge.go).
//
// An address may be given as the name of a host, which is looked up, as in Kafka: last,
// when nothing else speaks against the alteration. One request may name 16 hosts
// (more are POLICY_VIOLATION), and all are looked up within 5 s (later ones are
// REQUEST_TIMED_OUT); Kafka has neither limit.
//
//	v0     set or remove, validate only
//	v1     flexible

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var alterClientQuotas = now(kmsg.AlterClientQuotas, 0, 1, (*API).alterClientQuotas).onCluster(auth.AlterConfigs)

func (a *API) alterClientQuotas(r *Request, q *kmsg.AlterClientQuotasRequest) *kmsg.AlterClientQuotasResponse {
	p := q.ResponseKind().(*kmsg.AlterClientQuotasResponse)
	a.wait(r)
	alterations := make([]metadata.QuotaAlteration, len(q.Entries))
	for i := range q.Entries {
		alterations[i] = quotaAlterationOf(&q.Entries[i])
	}
	checkHost := a.lookUpHosts(r, alterations)
	var results []metadata.QuotaResult
	_, err := a.change(r, 0, q.ValidateOnly, func(image *metadata.Image) (records []metadata.Record, _ error) {
		records, results = metadata.AlterClientQuotas(image, alterations, checkHost)
		return records, nil
	})
	if results == nil { // the change was never tried
		_, results = metadata.AlterClientQuotas(a.Metadata.Image(), alterations, checkHost)
	}
	for _, result := range results {
		if result.Err == nil || errors.Is(err, errTooManyRecords) {
			result.Err = err // of too many records Kafka tells every entity, also those that are wrong
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

const (
	// lookUpTimeout bounds all names of a request together: a resolver that is away
	// must not hold the connection.
	lookUpTimeout = 5 * time.Second
	// hostNamesMax bounds the names of a request that are looked up, one after the
	// other: a client must not make the broker a source of many DNS queries.
	// Addresses do not count.
	hostNamesMax = 16
)

// lookUpHosts looks up the names of the alterations that are valid otherwise, in
// their order, and returns what is known of each afterwards. It gives up when the
// connection ends, the server stops or the time is over.
func (a *API) lookUpHosts(r *Request, alterations []metadata.QuotaAlteration) func(string) error {
	var names []string
	known := make(map[string]error)
	metadata.AlterClientQuotas(a.Metadata.Image(), alterations, func(name string) error {
		switch _, again := known[name]; {
		case again || net.ParseIP(name) != nil:
		case len(names) == hostNamesMax:
			known[name] = protocol.ErrPolicyViolation.WithMessage("%.300s was not looked up: a request may name %d hosts, the others by address.", name, hostNamesMax)
		default:
			names, known[name] = append(names, name), nil
		}
		return nil
	})
	if len(names) > 0 {
		r.charge.rest()
		defer r.charge.work()
		ctx, release := a.whileConnected(r, lookUpTimeout)
		defer release()
		for _, name := range names {
			known[name] = a.lookUpHost(ctx, name)
		}
	}
	return func(name string) error { return known[name] }
}

func (a *API) lookUpHost(ctx context.Context, name string) error {
	err := errNoResolver
	if ctx.Err() == nil && a.LookUpHost != nil {
		err = a.LookUpHost(ctx, name)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return protocol.ErrRequestTimedOut.WithMessage("The time to look up host names was over before %.300s was found.", name)
	}
	return protocol.ErrInvalidRequest.WithMessage("%.300s is not a valid IP or resolvable host.", name)
}

var errNoResolver = errors.New("no resolver")

// whileConnected is a context that ends with the connection, when the server stops,
// and after the timeout. release ends it and what watches for it.
func (a *API) whileConnected(r *Request, timeout time.Duration) (ctx context.Context, release func()) {
	ctx, cancel := a.within(timeout)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-r.Call.Conn.Done():
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel()
		watching.Wait()
	}
}
