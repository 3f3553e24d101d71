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
	// Sees leaves out topics that the client may not see whose request led to the query, as
	// in Kafka (TopicRegexResolver); nil leaves out none.
	Sees func(topic string) bool
}

// PatternAnswer answers a PatternQuery.
type PatternAnswer struct {
	GroupID string
	Version int64               // of the topics
	Topics  map[string][]string // names by pattern, sorted
}

// Resolve answers the query, unless it is told to stop. A pattern that does not
// compile stands for nothing; it was checked when a member brought it.
func (q PatternQuery) Resolve(stopped func() bool) (PatternAnswer, bool) {
	a := PatternAnswer{GroupID: q.GroupID, Version: q.Topics.Version(), Topics: map[string][]string{}}
	for _, pattern := range q.Patterns {
		var names []string
		re, err := compilePattern(pattern)
		for name := range q.Topics.Names() {
			if stopped() {
				return a, false
			}
			if err == nil && re.MatchString(name) && (q.Sees == nil || q.Sees(name)) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		a.Topics[pattern] = names
	}
	return a, true
}

// patternStepsMax bounds the program that an expression becomes. A short one with
// nested repetitions can become so large that a name takes seconds; without
// repetitions, one of the longest that are allowed by default has about as many.
const patternStepsMax = 2_000

var errPatternTooComplex = errors.New("it repeats too much")

// compilePattern reads an expression of RE2, as Kafka does; it has to match a
// whole name. Go's syntax is that of RE2/J but for details of Unicode classes.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if patternSteps(parsed) > patternStepsMax {
		return nil, errPatternTooComplex
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// patternSteps is about how many steps the program of an expression has, or
// something above patternStepsMax.
func patternSteps(re *syntax.Regexp) int {
	steps := 1
	if re.Op == syntax.OpLiteral {
		steps = len(re.Rune)
	}
	for _, sub := range re.Sub {
		steps = min(steps+patternSteps(sub), patternStepsMax+1)
	}
	if re.Op == syntax.OpRepeat {
		steps *= max(re.Min, re.Max, 1)
	}
	return min(steps, patternStepsMax+1)
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
func (m *Machine) askPatterns(g *consumerGroup, sees func(topic string) bool) {
	if len(g.patterns) == 0 || m.resolve == nil ||
		g.refreshed.asked != 0 && m.now.Elapsed < g.refreshed.asked+patternPatience {
		return
	}
	topics := m.config.Topics()
	missing, stale := false, false
	for pattern := range g.patterns {
		r := g.resolved[pattern]
		if version, ok := g.refreshed.tooMuch[pattern]; ok && version == topics.Version() {
			continue
		}
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
	m.resolve(PatternQuery{GroupID: g.id, Patterns: sortedKeys(g.patterns), Topics: topics, Sees: sees})
}

// PatternsResolved takes the answer to a PatternQuery.
func (m *Machine) PatternsResolved(now coordinator.Moment, a PatternAnswer) coordinator.Decision {
	m.begin(now)
	g := m.groups[a.GroupID].asConsumer()
	if g == nil {
		return m.finish()
	}
	g.refreshed.asked = 0
	var records []coordinator.Record
	changed := false
	g.refreshed.tooMuch = nil
	for _, pattern := range sortedKeys(a.Topics) {
		before := g.resolved[pattern]
		if g.patterns[pattern] == 0 {
			continue
		}
		r := patternRecord(g.id, pattern, &resolvedPattern{topics: a.Topics[pattern], version: a.Version, at: m.now.Wall})
		if len(r.Value) > m.config.RecordBytesMax {
			// It goes on to stand for what it did before.
			g.refreshed.tooMuch = tooMuch(g.refreshed.tooMuch, pattern, a.Version)
			delete(a.Topics, pattern)
			if before != nil {
				a.Topics[pattern] = before.topics
			}
			continue
		}
		changed = changed || before == nil && len(a.Topics[pattern]) > 0 || before != nil && !slices.Equal(before.topics, a.Topics[pattern])
		records = append(records, r)
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

// namesBytes is about what names take in a record.
func namesBytes(names []string) int {
	sum := 0
	for _, name := range names {
		sum += len(name) + 1
	}
	return sum
}

func tooMuch(known map[string]int64, pattern string, version int64) map[string]int64 {
	if known == nil {
		known = map[string]int64{}
	}
	known[pattern] = version
	return known
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
