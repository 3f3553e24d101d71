package kafkatools

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// partitionsOf reads TOPIC:0,1,2; nil is a topic without partitions.
func partitionsOf(word string) ([]partition, error) {
	topic, list, has := strings.Cut(word, ":")
	if !has {
		return nil, nil
	}
	if list == "" || strings.Contains(list, ":") {
		return nil, argumentErrorf("Invalid topic arg '%s', expected topic name and partitions", word)
	}
	var partitions []partition
	for number := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil {
			return nil, argumentErrorf("Invalid partition '%s' specified in topic arg '%s''", number, word)
		}
		partitions = append(partitions, partition{topic, int32(n)})
	}
	return partitions, nil
}

// reset plans new offsets of groups without members, and with --execute commits them.
func (g *groupTool) reset() error {
	names, err := g.groups()
	if err != nil {
		return err
	}
	names = mapOrder(names, 0, hashOf)
	plans := map[string]map[partition]int64{}
	for _, name := range names {
		group, err := g.describeGroup(name)
		if err != nil && !isCode(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("%s", thrown(err))
		}
		if err == nil && !group.isInactive() {
			g.fail("Assignments can only be reset if the group '" + name + "' is inactive, but the current state is " + group.state + ".")
			plans[name] = nil
			continue
		}
		if plans[name], err = g.planReset(name); err != nil {
			return err
		}
		if !g.got.has("execute") || g.got.has("dry-run") {
			continue
		}
		if err := g.commit(name, plans[name]); err != nil {
			return err
		}
	}
	if g.got.has("export") {
		g.exportPlans(names, plans)
	} else {
		g.printPlans(names, plans)
	}
	return nil
}

func (g *groupTool) commit(group string, plan map[partition]int64) error {
	if len(plan) == 0 {
		return nil
	}
	offsets := kadm.Offsets{}
	for p, at := range plan {
		offsets.Add(kadm.Offset{Topic: p.topic, Partition: p.number, At: at, LeaderEpoch: -1})
	}
	answer, err := g.admin().CommitOffsets(g.ctx, group, offsets)
	if err != nil {
		return unreachable(err, "alterConsumerGroupOffsets")
	}
	var code *kerr.Error
	if err := answer.Error(); errors.As(err, &code) {
		return refused(code.Code, nil)
	}
	return nil
}

func inMapOrder(plan map[partition]int64) []partition {
	var partitions []partition
	for p := range plan {
		partitions = append(partitions, p)
	}
	slices.SortFunc(partitions, comparePartitions)
	return mapOrder(partitions, 0, hashOfPartition)
}

func (g *groupTool) printPlans(names []string, plans map[string]map[partition]int64) {
	widths := [2]int{15, 15}
	for _, name := range names {
		widths[0] = max(widths[0], len(name))
		for p := range plans[name] {
			widths[1] = max(widths[1], len(p.topic))
		}
	}
	row := func(group, topic string, number, offset any) {
		g.print("\n%-*s %-*s %-10v %v", widths[0], group, widths[1], topic, number, offset)
	}
	row("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")
	for _, name := range names {
		for _, p := range inMapOrder(plans[name]) {
			row(name, p.topic, p.number, plans[name][p])
		}
	}
	g.say("")
}

func (g *groupTool) exportPlans(names []string, plans map[string]map[partition]int64) {
	w := csv.NewWriter(g.out)
	for _, name := range names {
		for _, p := range inMapOrder(plans[name]) {
			record := []string{p.topic, strconv.Itoa(int(p.number)), strconv.FormatInt(plans[name][p], 10)}
			if len(g.got.values("group")) != 1 {
				record = append([]string{name}, record...)
			}
			_ = w.Write(record) // the writer keeps the error
		}
	}
	w.Flush()
	g.say("")
}

// toReset are the partitions that the options choose.
func (g *groupTool) toReset(group string) ([]partition, error) {
	switch {
	case g.got.has("all-topics"):
		committed, err := g.committed(group)
		var partitions []partition
		for p := range committed {
			partitions = append(partitions, p)
		}
		return partitions, err
	case g.got.has("topic"):
		counts, err := g.partitionCounts(g.client)
		if err != nil {
			return nil, unreachable(err, "describeTopics")
		}
		var all []partition
		for _, word := range g.got.values("topic") {
			partitions, err := partitionsOf(word)
			if err != nil {
				return nil, err
			}
			if partitions == nil {
				if counts[word] == 0 {
					return nil, refused(kerr.UnknownTopicOrPartition.Code, nil)
				}
				for i := range counts[word] {
					partitions = append(partitions, partition{word, int32(i)})
				}
			}
			all = append(all, partitions...)
		}
		return all, nil
	case !g.got.has("from-file"):
		return nil, g.usage(g.got.parser, "One of the reset scopes should be defined: --all-topics, --topic.")
	}
	return nil, nil
}

func (g *groupTool) planReset(group string) (map[partition]int64, error) {
	if g.got.count(resetScenarios...) > 0 || g.got.count("all-topics", "topic") == 0 {
		partitions, err := g.toReset(group)
		if err != nil {
			return nil, err
		}
		if len(partitions) > 0 {
			if err := g.checkExist(partitions); err != nil {
				return nil, err
			}
		}
		if plan, known, err := g.planScenario(group, partitions); known || err != nil {
			return plan, err
		}
	}
	return nil, g.usage(g.got.parser, "Option '[reset-offsets]' requires one of the following scenarios: ["+bracketed(resetScenarios...)+"]")
}

func (g *groupTool) checkExist(partitions []partition) error {
	counts, err := g.partitionCounts(g.client)
	if err != nil {
		return unreachable(err, "describeTopics")
	}
	var missing []string
	for _, p := range partitions {
		if int(p.number) >= counts[p.topic] || p.number < 0 {
			missing = append(missing, fmt.Sprintf("%s-%d", p.topic, p.number))
		}
	}
	if len(missing) > 0 {
		return says("The partitions %q do not exist", strings.Join(missing, ","))
	}
	return nil
}

// planScenario computes the new offsets; known is false without a scenario.
func (g *groupTool) planScenario(group string, partitions []partition) (plan map[partition]int64, known bool, err error) {
	got := g.got
	switch {
	case got.has("to-offset"):
		to, _, err := got.number("to-offset")
		if err != nil {
			return nil, true, err
		}
		plan = map[partition]int64{}
		for _, p := range partitions {
			plan[p] = to
		}
		plan, err = g.inRange(plan)
		return plan, true, err
	case got.has("to-earliest"):
		plan, err = g.offsetsBy(partitions, g.admin().ListStartOffsets)
		return plan, true, err
	case got.has("to-latest"):
		plan, err = g.offsetsBy(partitions, g.admin().ListEndOffsets)
		return plan, true, err
	case got.has("shift-by"):
		plan, err = g.shifted(group, partitions)
		return plan, true, err
	case got.has("to-datetime"):
		at, err := parseDateTime(first(got.values("to-datetime")))
		if err == nil {
			plan, err = g.at(partitions, at)
		}
		return plan, true, err
	case got.has("by-duration"):
		back, err := parseDuration(first(got.values("by-duration")))
		if err == nil {
			plan, err = g.at(partitions, g.now().Add(-back))
		}
		return plan, true, err
	case got.has("from-file"):
		plan, err = g.fromFile(group)
		return plan, true, err
	case got.has("to-current"):
		plan, err = g.current(group, partitions)
		return plan, true, err
	}
	return nil, false, nil
}

// offsetsBy asks for offsets of partitions; what was not answered is left out.
func (g *groupTool) offsetsBy(partitions []partition, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[partition]int64, error) {
	offsets := map[partition]int64{}
	var topics []string
	for _, p := range partitions {
		if !slices.Contains(topics, p.topic) {
			topics = append(topics, p.topic)
		}
	}
	if len(topics) == 0 {
		return offsets, nil
	}
	answer, err := list(g.ctx, topics...)
	if err != nil {
		return nil, unreachable(err, "listOffsets")
	}
	for _, p := range partitions {
		if o, ok := answer.Lookup(p.topic, p.number); ok && o.Err == nil {
			offsets[p] = o.Offset
		}
	}
	return offsets, nil
}

// at are the offsets of a time; where nothing is that young, the end.
func (g *groupTool) at(partitions []partition, when time.Time) (map[partition]int64, error) {
	found, err := g.offsetsBy(partitions, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return g.offsetsAt(ctx, when.UnixMilli(), topics...)
	})
	if err != nil {
		return nil, err
	}
	var without []partition
	for _, p := range inMapOrder(found) {
		if found[p] < 0 {
			g.say("\nWarn: Partition %d from topic %s is empty. Falling back to latest known offset.", p.number, p.topic)
			without = append(without, p)
		}
	}
	ends, err := g.offsetsBy(without, g.admin().ListEndOffsets)
	for p, end := range ends {
		found[p] = end
	}
	return found, err
}

func (g *groupTool) shifted(group string, partitions []partition) (map[partition]int64, error) {
	by, _, err := g.got.number("shift-by")
	if err != nil {
		return nil, err
	}
	committed, err := g.committed(group)
	if err != nil {
		return nil, err
	}
	plan := map[partition]int64{}
	for _, p := range partitions {
		at, has := committed[p]
		if !has {
			return nil, argumentErrorf("Cannot shift offset for partition %s-%d since there is no current committed offset", p.topic, p.number)
		}
		plan[p] = at.At + by
	}
	return g.inRange(plan)
}

func (g *groupTool) current(group string, partitions []partition) (map[partition]int64, error) {
	committed, err := g.committed(group)
	if err != nil {
		return nil, err
	}
	plan := map[partition]int64{}
	var without []partition
	for _, p := range partitions {
		if at, has := committed[p]; has {
			plan[p] = at.At
		} else {
			without = append(without, p)
		}
	}
	ends, err := g.offsetsBy(without, g.admin().ListEndOffsets)
	for p, end := range ends {
		plan[p] = end
	}
	return plan, err
}

// inRange moves offsets to where there are records, with a warning.
func (g *groupTool) inRange(plan map[partition]int64) (map[partition]int64, error) {
	partitions := inMapOrder(plan)
	starts, err := g.offsetsBy(partitions, g.admin().ListStartOffsets)
	if err != nil {
		return nil, err
	}
	ends, err := g.offsetsBy(partitions, g.admin().ListEndOffsets)
	if err != nil {
		return nil, err
	}
	warn := func(p partition, what string, to int64) {
		fmt.Fprintf(g.errOut, "[%s] WARN New offset (%d) is %s offset for topic partition %s-%d. Value will be set to %d\n",
			g.now().Format("2006-01-02 15:04:05,000"), plan[p], what, p.topic, p.number, to)
		plan[p] = to
	}
	for _, p := range partitions {
		if end, has := ends[p]; has && plan[p] > end {
			warn(p, "higher than latest", end)
		} else if start, has := starts[p]; has && plan[p] < start {
			warn(p, "lower than earliest", start)
		}
	}
	return plan, nil
}

// fromFile reads TOPIC,PARTITION,OFFSET, with the group in front where there is more than one.
func (g *groupTool) fromFile(group string) (map[partition]int64, error) {
	file, err := os.Open(first(g.got.values("from-file")))
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	records, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	plan := map[partition]int64{}
	for _, record := range records {
		if len(record) == 4 {
			if record[0] != group {
				continue
			}
			record = record[1:]
		}
		if len(record) != 3 {
			return nil, fmt.Errorf("%s: a line has not TOPIC,PARTITION,OFFSET", file.Name())
		}
		number, err := strconv.ParseInt(record[1], 10, 32)
		offset, err2 := strconv.ParseInt(record[2], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		plan[partition{record[0], int32(number)}] = offset
	}
	if len(plan) == 0 {
		g.fail("No reset plan for group " + group + " found")
		return nil, nil
	}
	if err := g.checkExist(inMapOrder(plan)); err != nil {
		return nil, err
	}
	return g.inRange(plan)
}

// parseDateTime reads YYYY-MM-DDThh:mm:ss.sss, in UTC unless a zone follows.
func parseDateTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.000", "2006-01-02T15:04:05.000Z0700", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000Z07"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("java.text.ParseException: Unparseable date: %q", s)
}

func durationPattern() *regexp.Regexp {
	return regexp.MustCompile(`^(?i)([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:\.\d+)?)S)?)?$`)
}

// parseDuration reads PnDTnHnMn.nS.
func parseDuration(s string) (time.Duration, error) {
	parts := durationPattern().FindStringSubmatch(s)
	if parts == nil || parts[2] == "" && (parts[3] == "" || len(parts[3]) == 1) {
		return 0, says("Text cannot be parsed to a Duration")
	}
	var total time.Duration
	for i, unit := range map[int]time.Duration{2: 24 * time.Hour, 4: time.Hour, 5: time.Minute, 6: time.Second} {
		if parts[i] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[i], 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n * float64(unit))
	}
	if parts[1] == "-" {
		total = -total
	}
	return total, nil
}
