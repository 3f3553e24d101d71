package config

import (
	"fmt"
	"slices"
	"strings"
)

// check judges the settings of a start: each by itself, then together.
func (s *Static) check() Problems {
	var wrong Problems
	for name, one := range s.settings {
		key, known := Lookup(ScopeBroker, name)
		if !known {
			advice, understood := s.advice[name]
			if !understood && !s.isOfAuthorizer(name) {
				advice = unknownAdvice(name)
			}
			if advice != "" {
				s.Warnings = append(s.Warnings, Problem{name, one.origin, name + ": " + advice})
			}
			key, known = listenerKey(name)
		}
		if !known {
			continue
		}
		if err := key.Check(one.value); err != nil {
			wrong = append(wrong, Problem{name, one.origin, err.Error()})
		}
	}
	s.Warnings = append(s.Warnings, s.noMachineWarning()...)
	unprotected := s.located(askingForProtection(s.values))
	if len(wrong) > 0 {
		return append(wrong, s.tolerate(unprotected)...)
	}
	reader := newReader(s.values)
	faults, open := together(reader)
	wrong = append(wrong, s.located(faults)...)
	unprotected = append(unprotected, s.located(open)...)
	s.Warnings = append(s.Warnings, s.located(remarks(reader))...)
	wrong = append(wrong, s.tolerate(unprotected)...)
	s.Warnings = s.Warnings.sorted()
	return wrong
}

// tolerate lets a broker start without the protection it was asked for, if the
// user says so in as many words.
func (s *Static) tolerate(unprotected Problems) Problems {
	ignore, _ := parseBool(strings.TrimSpace(s.values[keyInsecureIgnore]))
	for i, p := range unprotected {
		if ignore {
			p.Text += "; ignored because " + keyInsecureIgnore + " is true"
			s.Warnings = append(s.Warnings, p)
			continue
		}
		how := keyInsecureIgnore + "=true"
		if p.Origin.Kind == FromEnvironment {
			how = variableOf(keyInsecureIgnore) + "=true"
		}
		unprotected[i].Text += "; set " + how + " to start without it"
	}
	if ignore {
		return nil
	}
	return unprotected
}

// askingForProtection finds the values of Refused settings that are more than
// the harmless default, and classes that look at logins and are not known.
func askingForProtection(values map[string]string) []keyed {
	var found []keyed
	for name, value := range values {
		key, known := Lookup(ScopeBroker, name)
		if !known {
			key, known = listenerKey(name)
		}
		if known && key.isUnserved(name, strings.TrimSpace(value)) {
			found = append(found, keyed{name, "it asks for protection that is not built yet"})
		}
		if why := unserved(value); name == keyAuthorizer && why != "" {
			found = append(found, keyed{name, why})
		}
	}
	return found
}

// isUnserved tells whether the value of a setting asks for protection that is not built.
func (k *Key) isUnserved(name, value string) bool {
	switch value {
	case "", k.Default:
		return false
	}
	return k.Effect == Refused || k.Name == handlerClass && !isKnownHandler(name, value)
}

// listenerKey finds the setting behind a name such as
// listener.name.internal.ssl.keystore.password, or with a SASL mechanism in
// between, listener.name.internal.plain.sasl.jaas.config.
func listenerKey(name string) (*Key, bool) {
	rest, ok := strings.CutPrefix(name, listenerPrefix)
	if !ok {
		return nil, false
	}
	_, base, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, false
	}
	if key, known := Lookup(ScopeBroker, base); known {
		return key, true
	}
	_, base, _ = strings.Cut(base, ".")
	return Lookup(ScopeBroker, base)
}

// located says where each faulty setting was written.
func (s *Static) located(faults []keyed) Problems {
	problems := make(Problems, 0, len(faults))
	for _, f := range faults {
		problems = append(problems, Problem{f.key, s.origin(f.key), f.key + ": " + f.text})
	}
	return problems
}

// together judges what settings mean to each other. Every value is legal by
// itself. The second list is what asks for protection.
func together(r *reader) (wrong, unprotected []keyed) {
	fail := func(key, format string, args ...any) {
		wrong = append(wrong, keyed{key, fmt.Sprintf(format, args...)})
	}
	ends, faults := r.endpoints().resolve()
	wrong = append(wrong, faults...)
	if len(faults) == 0 {
		wrong = append(wrong, r.strayPersonas(ends.listen)...)
		wrong = append(wrong, r.sslFaults(ends.listen)...)
		faults, unprotected = r.saslFaults(ends.listen)
		wrong = append(wrong, faults...)
	}
	_, faults = r.access()
	wrong = append(wrong, faults...)
	if node, broker := r.text("node.id"), r.text("broker.id"); node != broker {
		fail("broker.id", "node.id is %s and broker.id is %s; they must be the same", node, broker)
	}
	if !slices.Contains(r.list("process.roles"), "broker") {
		fail("process.roles", "the role broker is missing; Barnabas cannot be a controller alone")
	}
	dirs := distinct(r.logDirs())
	if len(dirs) != 1 || dirs[0] == "" {
		fail("log.dirs", "one data directory is needed and %d are named", len(dirs))
	} else if apart := r.text("metadata.log.dir"); apart != "" && apart != dirs[0] {
		fail("metadata.log.dir", "the metadata log cannot be in another directory than the data yet")
	}
	if cordoned := r.list("cordoned.log.dirs"); !slices.Equal(cordoned, []string{"*"}) {
		for _, dir := range cordoned {
			if !slices.Contains(dirs, dir) {
				fail("cordoned.log.dirs", "%s is none of log.dirs", cut(dir))
			}
		}
	}
	if n := r.integer("queued.max.request.bytes"); n > 0 && n < r.integer("socket.request.max.bytes") {
		fail("queued.max.request.bytes", "the value must be -1 or at least socket.request.max.bytes")
	}
	if _, err := parseOverridesPerIP(r.text("max.connections.per.ip.overrides")); err != nil {
		fail("max.connections.per.ip.overrides", "%v", err)
	}
	if r.integer("max.connections.per.ip") == 0 && strings.TrimSpace(r.text("max.connections.per.ip.overrides")) == "" {
		fail("max.connections.per.ip", "the value may be 0 only with max.connections.per.ip.overrides")
	}
	// A table below this holds too few keys to get anywhere (KafkaConfig.validateValues).
	if threads := r.integer("log.cleaner.threads"); threads < 1 {
		fail("log.cleaner.threads", "Value must be at least 1")
	} else if r.integer("log.cleaner.dedupe.buffer.size")/threads <= 1<<20 {
		fail("log.cleaner.dedupe.buffer.size", "the value must be above 1048576 for each of log.cleaner.threads")
	}
	if ms := r.family(retentionFamily); ms == 0 {
		fail(r.familySource(retentionFamily), "the value must be -1 or at least 1")
	}
	if ms := r.family(rollFamily); ms < 1 {
		fail(r.familySource(rollFamily), "Value must be at least 1")
	}
	if ms := r.family(rollJitterFamily); ms < 0 {
		fail(r.familySource(rollJitterFamily), "Value must be at least 0")
	}
	if low, high := r.integer("group.min.session.timeout.ms"), r.integer("group.max.session.timeout.ms"); low > high {
		fail("group.max.session.timeout.ms", "the value is below group.min.session.timeout.ms")
	}
	if _, err := assignors(r.list(keyAssignors)); err != nil {
		fail(keyAssignors, "%v", err)
	}
	for _, span := range groupSpans {
		span.check(r, fail)
	}
	r.checkHTTP(fail)
	return wrong, unprotected
}

// remarks are combinations that work, though not as the user may think.
func remarks(r *reader) (out []keyed) {
	if voters := r.list("controller.quorum.voters"); len(voters) > 1 {
		out = append(out, keyed{"controller.quorum.voters", fmt.Sprintf("%d voters are named, and Barnabas runs alone: it will not form a cluster with them", len(voters))})
	}
	if !slices.Contains(r.list("process.roles"), "controller") {
		out = append(out, keyed{"process.roles", "Barnabas is its own controller and will not look for another one"})
	}
	return out
}

// parseOverridesPerIP reads host:count pairs.
func parseOverridesPerIP(raw string) (map[string]int, error) {
	pairs, err := parsePairs(raw)
	if err != nil || len(pairs) == 0 {
		return nil, err
	}
	limits := make(map[string]int, len(pairs))
	for _, p := range pairs {
		n, ok := parseCount(p[1])
		if !ok {
			return nil, fmt.Errorf("%q is not a number of connections", cut(p[1]))
		}
		limits[strings.Trim(p[0], "[]")] = n
	}
	return limits, nil
}
