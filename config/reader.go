package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/internal/invariant"
)

// reader answers what the broker's settings say, over layers of values of
// which each is legal.
type reader struct {
	// layers are the values by place, the strongest first: altered for this
	// broker, altered for the cluster, given at the start.
	layers []layer
	// seen, when set, is told every name that is read.
	seen func(name string)
}

// layer is one place where values come from.
type layer struct {
	source Source
	values map[string]string
}

func newReader(static map[string]string) *reader {
	return &reader{layers: []layer{{SourceStaticBroker, static}}}
}

func (r *reader) key(name string) *Key {
	if r.seen != nil {
		r.seen(name)
	}
	k, ok := Lookup(ScopeBroker, name)
	invariant.Check(ok, "no broker setting is called %q", name)
	return k
}

// raw is the strongest value of exactly this name.
func (r *reader) raw(name string) (value string, set bool) {
	for _, l := range r.layers {
		if v, ok := l.values[name]; ok {
			return v, true
		}
	}
	return "", false
}

// text is the value, trimmed, or the default; empty where there is neither.
func (r *reader) text(name string) string {
	k := r.key(name)
	if v, ok := r.raw(name); ok {
		return strings.TrimSpace(v)
	}
	return k.Default
}

func (r *reader) list(name string) []string { return parseList(r.text(name)) }

func (r *reader) integer(name string) int64 {
	v, err := strconv.ParseInt(r.text(name), 10, 64)
	invariant.Check(err == nil, "setting %s was not checked: %v", name, err)
	return v
}

func (r *reader) count(name string) int { return int(r.integer(name)) }

func (r *reader) boolean(name string) bool {
	v, ok := parseBool(r.text(name))
	invariant.Check(ok, "setting %s was not checked", name)
	return v
}

func (r *reader) double(name string) float64 {
	v, ok := parseDouble(r.text(name))
	invariant.Check(ok, "setting %s was not checked", name)
	return v
}

// millis is a time of at least zero; what a Duration cannot hold, 292 years,
// is as good as for ever.
func (r *reader) millis(name string) time.Duration {
	return durationOf(r.integer(name), time.Millisecond)
}

func durationOf(n int64, unit time.Duration) time.Duration {
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}

// family is the value of a setting that has several names: the strongest place
// decides, and within it the first name; then the first default.
func (r *reader) family(names []Synonym) int64 {
	value, _ := r.familyValue(names)
	return value
}

// familySource is the name of the member that decided.
func (r *reader) familySource(names []Synonym) string {
	_, name := r.familyValue(names)
	return name
}

func (r *reader) familyValue(names []Synonym) (int64, string) {
	for _, l := range r.layers {
		for _, n := range names {
			if v, ok := l.values[n.Name]; ok {
				return scaled(r.key(n.Name), v, n.Factor), n.Name
			}
		}
	}
	for _, n := range names {
		if k := r.key(n.Name); !k.Null {
			return scaled(k, k.Default, n.Factor), n.Name
		}
	}
	invariant.Check(false, "no default behind %v", names)
	return 0, ""
}

// scaled is the number in the family's unit. A negative number means no limit
// in every unit.
func scaled(k *Key, raw string, factor int64) int64 {
	v, err := strconv.ParseInt(strings.TrimSpace(raw), 10, 64)
	invariant.Check(err == nil, "setting %s was not checked: %v", k.Name, err)
	switch {
	case v < 0 && factor > 1, v < -1:
		return -1
	case factor > 1 && v > math.MaxInt64/factor:
		return math.MaxInt64
	}
	return v * factor
}

func parseCount(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n >= 0
}

func (r *reader) endpoints() endpointSettings {
	return endpointSettings{
		listeners:   r.text("listeners"),
		advertised:  r.text("advertised.listeners"),
		protocolMap: r.text("listener.security.protocol.map"),
		interBroker: r.text("inter.broker.listener.name"),
		controllers: r.text("controller.listener.names"),
	}
}

// logDirs is log.dirs or, without it, log.dir.
func (r *reader) logDirs() []string {
	if dirs := r.list("log.dirs"); len(dirs) > 0 {
		return dirs
	}
	return r.list("log.dir")
}
