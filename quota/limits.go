package quota

import "math"

// Kind is what is limited.
type Kind int

// The kinds, with the units of their limits.
const (
	Produce  Kind = iota // producer_byte_rate: bytes of requests per second
	Fetch                // consumer_byte_rate: bytes of answers per second
	Request              // request_percentage: per cent of one processor
	Mutation             // controller_mutation_rate: partitions created and deleted per second
	kinds
)

// keys are the names of the limits (org.apache.kafka.server.config.QuotaConfig).
var keys = [kinds]string{"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"}

// KindOf is the kind of a limit's key; ok is false for one that does not limit clients.
func KindOf(key string) (k Kind, ok bool) {
	for k := range kinds {
		if keys[k] == key {
			return k, true
		}
	}
	return 0, false
}

// Part is the user or the client id of a quota's entity. The zero value says that the
// entity has none.
type Part struct {
	form partForm
	name string
}

type partForm int

const (
	absent partForm = iota
	byDefault
	named
)

// Default is the part that stands for all that have no limit of their own.
var Default = Part{form: byDefault}

// Named is the part that stands for one.
func Named(name string) Part { return Part{named, name} }

// Limits are all limits of clients. They are immutable once somebody has them.
type Limits struct {
	kinds [kinds]map[entity]float64
}

type entity struct{ user, clientID Part }

// Set adds a limit, which is above 0.
func (l *Limits) Set(k Kind, user, clientID Part, perSecond float64) {
	if l.kinds[k] == nil {
		l.kinds[k] = make(map[entity]float64)
	}
	l.kinds[k][entity{user, clientID}] = perSecond
}

// IsEmpty tells that nobody is limited in anything.
func (l *Limits) IsEmpty() bool {
	for k := range kinds {
		if len(l.kinds[k]) > 0 {
			return false
		}
	}
	return true
}

// shared names those who use a limit together: of a limit for a user all clients of that
// user, of one for a client id all users with that client id. The default of a level
// gives each its own.
type shared struct{ user, clientID string }

// find is the most specific limit that there is for a client, by the order of
// DefaultQuotaCallback in Kafka's ClientQuotaManager. A client without an id is one of
// its user's, and has no limit by client id.
func (l *Limits) find(k Kind, user, clientID string) (perSecond float64, by shared, ok bool) {
	limits := l.kinds[k]
	if len(limits) == 0 {
		return 0, by, false
	}
	u, c := Named(user), Named(clientID)
	levels := [...]struct {
		entity entity
		by     shared
	}{
		{entity{u, c}, shared{user, clientID}},
		{entity{u, Default}, shared{user, clientID}},
		{entity{user: u}, shared{user: user}},
		{entity{Default, c}, shared{user, clientID}},
		{entity{Default, Default}, shared{user, clientID}},
		{entity{user: Default}, shared{user: user}},
		{entity{clientID: c}, shared{clientID: clientID}},
		{entity{clientID: Default}, shared{clientID: clientID}},
	}
	for i := range levels {
		level := &levels[i]
		if clientID == "" && level.entity.clientID != (Part{}) {
			continue
		}
		if perSecond, ok = limits[level.entity]; ok {
			if !(perSecond > 0) || math.IsInf(perSecond, 1) { // Kafka takes what is no number, and limits nobody by it
				return 0, by, false
			}
			return perSecond, level.by, true
		}
	}
	return 0, by, false
}
