package metadata

import (
	"fmt"
	"math"
	"strings"
)

// QuotaAlteration asks for other limits of one entity.
type QuotaAlteration struct {
	Entity []QuotaEntity // one part of each type
	Ops    []QuotaOp
}

// QuotaOp sets a limit or takes it away.
type QuotaOp struct {
	Key    string
	Value  float64
	Remove bool
}

// quotaKind is what the value of a limit can be.
type quotaKind int

const (
	quotaDouble quotaKind = iota
	quotaLong
	quotaInt
)

// The limits that exist (org.apache.kafka.server.config.QuotaConfig).
var (
	clientLimits = map[string]quotaKind{
		"producer_byte_rate": quotaLong, "consumer_byte_rate": quotaLong,
		"request_percentage": quotaDouble, "controller_mutation_rate": quotaDouble,
	}
	addressLimits = map[string]quotaKind{"connection_creation_rate": quotaInt}
)

// QuotaResult is what became of one entity.
type QuotaResult struct {
	Entity []QuotaEntity // by type
	Err    error
}

// AlterClientQuotas makes the records of alterations, each of which happens whole or
// not at all. There is one result per entity, in the order in which they are named: of
// one that is named twice the first alteration happens, and the result is an error
// (ClientQuotaControlManager). checkHost gives an error for a name that is neither an
// address nor a host that has one. It is asked last, for entities whose alteration is
// valid apart from that, in the order in which they are named; which names those
// are does not depend on the image.
func AlterClientQuotas(img *Image, alterations []QuotaAlteration, checkHost func(string) error) ([]Record, []QuotaResult) {
	var records []Record
	var results []QuotaResult
	at := make(map[string]int, len(alterations))
	for _, a := range alterations {
		entity := inOrder(a.Entity)
		key := quotaKey(entity)
		i, again := at[key]
		if !again {
			i, at[key] = len(results), len(results)
			results = append(results, QuotaResult{Entity: entity})
		}
		if again || a.repeatsKey() {
			results[i].Err = refuse(ErrInvalidRequest, "Ignoring duplicate entity %s", describeEntity(entity))
			continue
		}
		added, err := alterQuota(img, entity, a.Ops, checkHost)
		records, results[i].Err = append(records, added...), err
	}
	return records, results
}

func (a *QuotaAlteration) repeatsKey() bool {
	seen := make(map[string]bool, len(a.Ops))
	for _, op := range a.Ops {
		if seen[op.Key] {
			return true
		}
		seen[op.Key] = true
	}
	return false
}

func alterQuota(img *Image, entity []QuotaEntity, ops []QuotaOp, checkHost func(string) error) ([]Record, error) {
	limits, err := checkEntity(entity)
	if err != nil {
		return nil, err
	}
	current := img.ClientQuota(entity)
	var records []Record
	for _, op := range ops {
		value, set := current.Limit(op.Key)
		switch {
		case op.Remove && set:
			records = append(records, &ClientQuotaRecord{Entity: entity, Key: op.Key, Remove: true})
		case op.Remove:
		default:
			if err := checkLimit(limits, op); err != nil {
				return nil, err
			}
			if !set || !sameLimit(value, op.Value) {
				records = append(records, &ClientQuotaRecord{Entity: entity, Key: op.Key, Value: op.Value})
			}
		}
	}
	if name := entity[0].Name; entity[0].Type == QuotaIP && name != nil {
		if err := checkHost(*name); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// sameLimit takes NaN, which Kafka accepts as a limit, for equal to itself.
func sameLimit(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// checkEntity finds the limits that the entity can have.
func checkEntity(entity []QuotaEntity) (map[string]quotaKind, error) {
	var ofClient, ofAddress bool
	for _, part := range entity {
		switch part.Type {
		case QuotaUser, QuotaClientID:
			ofClient = true
		case QuotaIP:
			ofAddress = true
		default:
			return nil, refuse(ErrInvalidRequest, "Unhandled client quota entity type: %s", cut(part.Type))
		}
		if part.Name != nil && *part.Name == "" {
			return nil, refuse(ErrInvalidRequest, "Empty %s not supported", part.Type)
		}
	}
	switch {
	case ofAddress && ofClient:
		return nil, refuse(ErrInvalidRequest, "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId")
	case ofAddress:
		return addressLimits, nil
	case ofClient:
		return clientLimits, nil
	}
	return nil, refuse(ErrInvalidRequest, "Invalid empty client quota entity")
}

// wholeEnough is how far from a whole number Kafka lets a whole limit be.
const wholeEnough = 1e-6

func checkLimit(limits map[string]quotaKind, op QuotaOp) error {
	kind, known := limits[op.Key]
	switch {
	case !known:
		return refuse(ErrInvalidRequest, "Invalid configuration key %s", cut(op.Key))
	case op.Value <= 0:
		return refuse(ErrInvalidRequest, "Quota %s must be greater than 0", op.Key)
	case kind == quotaDouble:
		return nil
	case kind == quotaInt && op.Value > math.MaxInt32:
		return refuse(ErrInvalidRequest, "Proposed value for %s is too large for an INT.", op.Key)
	case op.Value > math.MaxInt64:
		return refuse(ErrInvalidRequest, "Proposed value for %s is too large for a LONG.", op.Key)
	case math.Mod(op.Value, 1) > wholeEnough:
		return refuse(ErrInvalidRequest, "%s cannot be a fractional value.", op.Key)
	}
	return nil
}

// describeEntity is how Kafka's errors name an entity.
func describeEntity(entity []QuotaEntity) string {
	parts := make([]string, len(entity))
	for i, part := range entity {
		name := "null"
		if part.Name != nil {
			name = *part.Name
		}
		parts[i] = cut(part.Type) + "=" + cut(name)
	}
	return fmt.Sprintf("ClientQuotaEntity(entries={%s})", strings.Join(parts, ", "))
}
