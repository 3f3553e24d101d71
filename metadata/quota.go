package metadata

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strings"
)

// The types of parts of a quota's entity.
const (
	QuotaUser     = "user"
	QuotaClientID = "client-id"
	QuotaIP       = "ip"
)

// ClientQuota is what limits one entity: a user, a client id, both, or an address.
// It is never changed in place.
type ClientQuota struct {
	Entity []QuotaEntity // by type, one of each
	Limits []QuotaLimit  // by key, at least one
}

// QuotaLimit is one limit: bytes per second, per cent of a thread, or a rate.
type QuotaLimit struct {
	Key   string
	Value float64
}

// Limit is the value of a key; ok is false when there is none.
func (q *ClientQuota) Limit(key string) (value float64, ok bool) {
	if q == nil {
		return 0, false
	}
	i, ok := slices.BinarySearchFunc(q.Limits, key, compareLimit)
	if !ok {
		return 0, false
	}
	return q.Limits[i].Value, true
}

func compareLimit(l QuotaLimit, key string) int { return strings.Compare(l.Key, key) }

// ClientQuota is the quota of exactly the entity, or nil. The order of the parts says nothing.
func (img *Image) ClientQuota(entity []QuotaEntity) *ClientQuota {
	q, _ := img.quotas.get(quotaKey(inOrder(entity)))
	return q
}

// inOrder is the entity with its parts by type.
func inOrder(entity []QuotaEntity) []QuotaEntity {
	entity = slices.Clone(entity)
	slices.SortFunc(entity, func(a, b QuotaEntity) int { return strings.Compare(a.Type, b.Type) })
	return entity
}

// ClientQuotas yields all quotas, in an order that only a change of them changes.
func (img *Image) ClientQuotas() iter.Seq[*ClientQuota] {
	return func(yield func(*ClientQuota) bool) {
		for _, q := range img.quotas.from("") {
			if !yield(q) {
				return
			}
		}
	}
}

func (d *draft) setQuota(r *ClientQuotaRecord) {
	entity := inOrder(r.Entity)
	key := quotaKey(entity)
	next := ClientQuota{Entity: entity}
	if old, ok := d.img.quotas.get(key); ok {
		next.Limits = slices.Clone(old.Limits)
	}
	i, ok := slices.BinarySearchFunc(next.Limits, r.Key, compareLimit)
	switch {
	case r.Remove && ok:
		next.Limits = slices.Delete(next.Limits, i, i+1)
	case !r.Remove && ok:
		next.Limits[i].Value = r.Value
	case !r.Remove:
		next.Limits = slices.Insert(next.Limits, i, QuotaLimit{r.Key, r.Value})
	}
	if len(next.Limits) == 0 {
		d.img.quotas = d.img.quotas.remove(d.owner, key)
		return
	}
	d.img.quotas = d.img.quotas.set(d.owner, key, &next)
}

func (img *Image) quotaRecords(yield recordYield) bool {
	for q := range img.ClientQuotas() {
		for _, l := range q.Limits {
			if !yield(&ClientQuotaRecord{Entity: q.Entity, Key: l.Key, Value: l.Value}, nil) {
				return false
			}
		}
	}
	return true
}

// quotaKey is the identity of an entity whose parts are in order. Lengths keep names apart that contain any
// separator, and tell the default entity (no name) from an empty one.
func quotaKey(entity []QuotaEntity) string {
	var b strings.Builder
	add := func(s *string) {
		var length [4]byte
		if s == nil {
			binary.BigEndian.PutUint32(length[:], math.MaxUint32)
			b.Write(length[:])
			return
		}
		binary.BigEndian.PutUint32(length[:], uint32(len(*s)))
		b.Write(length[:])
		b.WriteString(*s)
	}
	for i := range entity {
		add(&entity[i].Type)
		add(entity[i].Name)
	}
	return b.String()
}
