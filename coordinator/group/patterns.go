package group

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
)

// PatternQuery asks which topics regular expressions stand for. Comparing them
// with all topics may take a while, so that a shard gives it to somebody else.
type PatternQuery struct {
	GroupID  string
	Patterns []string // sorted
	Topics   Topics
}

// PatternAnswer answers a PatternQuery.
type PatternAnswer struct {
	GroupID string
	Version int64               // of the topics
	Topics  map[string][]string // names by pattern, sorted
}

// Resolve answers the query. A pattern that does not compile stands for nothing;
// it was checked when a member brought it.
func (q PatternQuery) Resolve() PatternAnswer {
	a := PatternAnswer{GroupID: q.GroupID, Version: q.Topics.Version(), Topics: map[string][]string{}}
	compiled := map[string]*regexp.Regexp{}
	for _, pattern := range q.Patterns {
		a.Topics[pattern] = nil
		if re, err := compilePattern(pattern); err == nil {
			compiled[pattern] = re
		}
	}
	for name := range q.Topics.Names() {
		for pattern, re := range compiled {
			if re.MatchString(name) {
				a.Topics[pattern] = append(a.Topics[pattern], name)
			}
		}
	}
	for pattern := range a.Topics {
		slices.Sort(a.Topics[pattern])
	}
	return a
}

// compilePattern reads an expression of RE2, as Kafka does; it has to match a
// whole name. Go's syntax is that of RE2/J but for details of Unicode classes.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

func checkPattern(pattern string) error {
	_, err := compilePattern(pattern)
	if err == nil {
		return nil
	}
	why := err.Error()
	var parse *syntax.Error
	if errors.As(err, &parse) {
		why = string(parse.Code)
	}
	return refuse(ErrInvalidPattern, "SubscribedTopicRegex `%s` is not a valid regular expression: %s.", pattern, why)
}

// retellPattern handles the change of a member's pattern: an expression that
// nobody uses any more is forgotten, a new one is checked. resolved tells that
// what the group reads is known to be another at once.
func (m *Machine) retellPattern(g *consumerGroup, before, now string) (records []coordinator.Record, resolved bool, err error) {
	if before == now {
		return nil, false, nil
	}
	if before != "" && g.patterns[before] == 1 {
		records = append(records, consumerTombstone(consumerPatternKey, g.id, before))
	}
	switch {
	case now == "":
		return records, true, nil
	case g.patterns[now] == 0:
		return records, false, checkPattern(now)
	}
	return records, g.resolved[now] != nil, nil
}

const (
	// patternRest is the least time between two comparisons of a group's patterns
	// with the topics (Kafka's REGEX_BATCH_REFRESH_MIN_INTERVAL_MS).
	patternRest = 10 * time.Second
	// patternPatience is when an answer is not waited for any more.
	patternPatience = 30 * time.Second
)

// askPatterns has the patterns of a group compared with the topics when one is
// new, when there are other topics, and every group.consumer.regex.refresh.interval.ms.
func (m *Machine) askPatterns(g *consumerGroup) {
	if len(g.patterns) == 0 || m.resolve == nil ||
		g.refreshed.asked != 0 && m.now.Elapsed < g.refreshed.asked+patternPatience {
		return
	}
	topics := m.config.Topics()
	missing, stale := false, false
	for pattern := range g.patterns {
		r := g.resolved[pattern]
		if r == nil {
			missing = true
			continue
		}
		age := time.Duration(m.now.Wall-r.at) * time.Millisecond
		if age >= 0 && age <= patternRest {
			return
		}
		stale = stale || r.version != topics.Version() || age < 0 || age > m.config.PatternRefresh
	}
	if !missing && !stale {
		return
	}
	g.refreshed.asked = max(m.now.Elapsed, 1)
	m.resolve(PatternQuery{GroupID: g.id, Patterns: sortedKeys(g.patterns), Topics: topics})
}

// PatternsResolved takes the answer to a PatternQuery.
func (m *Machine) PatternsResolved(now coordinator.Moment, a PatternAnswer) coordinator.Decision {
	m.begin(now)
	entry := m.groups[a.GroupID]
	if entry == nil || entry.consumer == nil {
		return m.finish()
	}
	g := entry.consumer
	g.refreshed.asked = 0
	var records []coordinator.Record
	changed := false
	for _, pattern := range sortedKeys(a.Topics) {
		if g.patterns[pattern] == 0 {
			continue
		}
		r := patternRecord(g.id, pattern, &resolvedPattern{topics: a.Topics[pattern], version: a.Version, at: m.now.Wall})
		if len(r.Value) > m.config.RecordBytesMax {
			continue // it stands for more topics than can be written down: for what it did before
		}
		before := g.resolved[pattern]
		changed = changed || before == nil && len(a.Topics[pattern]) > 0 || before != nil && !slices.Equal(before.topics, a.Topics[pattern])
		records = append(records, r)
	}
	if len(records) == 0 {
		g.refreshed.asked = m.now.Elapsed // nothing came of it, so do not ask again at once
		return m.finish()
	}
	if changed {
		topics := m.config.Topics()
		hash := m.hashes.of(g.subscribedWith(a.Topics), topics)
		records = append(records, g.epochRecords(hash)...)
		g.refreshed.known, g.refreshed.version = true, topics.Version()
	}
	m.steps(records, nil, func() {}) // the epoch comes last; a restart compares anew
	return m.finish()
}

// subscribedWith are the topics that the group reads once its patterns stand for
// these.
func (g *consumerGroup) subscribedWith(resolved map[string][]string) []string {
	topics := sortedKeys(g.names)
	for pattern := range g.patterns {
		topics = append(topics, resolved[pattern]...)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}
