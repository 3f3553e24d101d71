package kafkatools

import (
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

	"github.com/barnabas-mq/barnabas/cli/consumergroup"
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
		partitions = append(partitions, partition{Topic: topic, Number: int32(n)})
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
		groups, err := g.describeGroups(name)
		if err != nil && !isCode(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("%s", thrown(err))
		}
		if err == nil && !groups[0].IsInactive() {
			g.fail("Assignments can only be reset if the group '" + name + "' is inactive, but the current state is " + groups[0].State + ".")
			plans[name] = nil
			continue
		}
		steps, err := g.planReset(name)
		if err != nil {
			return err
		}
		plans[name] = map[partition]int64{}
		for _, step := range steps {
			plans[name][step.Partition] = step.To
		}
		if !g.got.has("execute") || g.got.has("dry-run") {
			continue
		}
		if err := g.commit(name, steps); err != nil {
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

func (g *groupTool) commit(group string, steps []consumergroup.Step) error {
	err := consumergroup.Commit(g.ctx, g.client, group, steps)
	if code := (*kerr.Error)(nil); errors.As(err, &code) {
		return refused(code.Code, nil)
	}
	return unreachable(err, "alterConsumerGroupOffsets")
}

func inMapOrder[V any](plan map[partition]V) []partition {
	var partitions []partition
	for p := range plan {
		partitions = append(partitions, p)
	}
	slices.SortFunc(partitions, consumergroup.Compare)
	return mapOrder(partitions, 0, hashOfPartition)
}

func (g *groupTool) printPlans(names []string, plans map[string]map[partition]int64) {
	widths := [2]int{15, 15}
	for _, name := range names {
		widths[0] = max(widths[0], len(name))
		for p := range plans[name] {
			widths[1] = max(widths[1], len(p.Topic))
		}
	}
	row := func(group, topic string, number, offset any) {
		g.print("\n%-*s %-*s %-10v %v", widths[0], group, widths[1], topic, number, offset)
	}
	row("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET")
	for _, name := range names {
		for _, p := range inMapOrder(plans[name]) {
			row(name, p.Topic, p.Number, plans[name][p])
		}
	}
	g.say("")
}

func (g *groupTool) exportPlans(names []string, plans map[string]map[partition]int64) {
	w := csv.NewWriter(g.out)
	for _, name := range names {
		for _, p := range inMapOrder(plans[name]) {
			record := []string{p.Topic, strconv.Itoa(int(p.Number)), strconv.FormatInt(plans[name][p], 10)}
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
					partitions = append(partitions, partition{Topic: word, Number: int32(i)})
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

func (g *groupTool) planReset(group string) ([]consumergroup.Step, error) {
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
		if int(p.Number) >= counts[p.Topic] || p.Number < 0 {
			missing = append(missing, fmt.Sprintf("%s-%d", p.Topic, p.Number))
		}
	}
	if len(missing) > 0 {
		return says("The partitions %q do not exist", strings.Join(missing, ","))
	}
	return nil
}

// planScenario computes the new offsets; known is false without a scenario.
func (g *groupTool) planScenario(group string, partitions []partition) (steps []consumergroup.Step, known bool, err error) {
	if g.got.has("from-file") {
		steps, err = g.fromFile(group)
		return steps, true, err
	}
	target, known, err := g.target()
	if !known || err != nil {
		return nil, known, err
	}
	var committed map[partition]kadm.Offset
	if target.Kind == consumergroup.Shift || target.Kind == consumergroup.Current {
		if committed, err = g.committed(group); err != nil {
			return nil, true, err
		}
	}
	steps, err = target.Plan(g.ctx, g.client, committed, partitions)
	if nowhere := (*consumergroup.NowhereError)(nil); errors.As(err, &nowhere) {
		p := nowhere.Partition
		return nil, true, argumentErrorf("Cannot shift offset for partition %s-%d since there is no current committed offset", p.Topic, p.Number)
	}
	g.warnOf(steps)
	return steps, true, unreachable(err, "listOffsets")
}

// target is what the scenario options say.
func (g *groupTool) target() (target consumergroup.Target, known bool, err error) {
	got := g.got
	switch {
	case got.has("to-offset"):
		target.Kind = consumergroup.Exact
		target.Number, _, err = got.number("to-offset")
	case got.has("to-earliest"):
		target.Kind = consumergroup.Start
	case got.has("to-latest"):
		target.Kind = consumergroup.End
	case got.has("shift-by"):
		target.Kind = consumergroup.Shift
		target.Number, _, err = got.number("shift-by")
	case got.has("to-datetime"):
		target.Kind = consumergroup.Time
		target.At, err = parseDateTime(first(got.values("to-datetime")))
	case got.has("by-duration"):
		var back time.Duration
		back, err = parseDuration(first(got.values("by-duration")))
		target.Kind, target.At = consumergroup.Time, g.now().Add(-back)
	case got.has("to-current"):
		target.Kind = consumergroup.Current
	default:
		return target, false, nil
	}
	return target, true, err
}

// warnOf tells where a group cannot go where it was told to.
func (g *groupTool) warnOf(steps []consumergroup.Step) {
	byPartition := map[partition]consumergroup.Step{}
	for _, step := range steps {
		byPartition[step.Partition] = step
	}
	for _, p := range inMapOrder(byPartition) {
		step := byPartition[p]
		if step.Empty {
			g.say("\nWarn: Partition %d from topic %s is empty. Falling back to latest known offset.", p.Number, p.Topic)
		}
		if step.Asked == step.To {
			continue
		}
		what := "higher than latest"
		if step.Asked < step.To {
			what = "lower than earliest"
		}
		fmt.Fprintf(g.errOut, "[%s] WARN New offset (%d) is %s offset for topic partition %s-%d. Value will be set to %d\n",
			g.now().Format("2006-01-02 15:04:05,000"), step.Asked, what, p.Topic, p.Number, step.To)
	}
}

// fromFile reads TOPIC,PARTITION,OFFSET, with the group in front where there is more than one.
func (g *groupTool) fromFile(group string) ([]consumergroup.Step, error) {
	name := first(g.got.values("from-file"))
	file, err := os.Open(name)
	if err != nil {
		return nil, says("java.io.IOException: Unable to read file %s", name)
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
		if len(record) == 2 {
			record = append(record, "0") // as Kafka's reader, which takes what is missing for 0
		}
		if len(record) != 3 {
			return nil, fmt.Errorf("%s: a line has not TOPIC,PARTITION,OFFSET", file.Name())
		}
		number, err := strconv.ParseInt(record[1], 10, 32)
		offset, err2 := strconv.ParseInt(record[2], 10, 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		plan[partition{Topic: record[0], Number: int32(number)}] = offset
	}
	if len(plan) == 0 {
		g.fail("No reset plan for group " + group + " found")
		return nil, nil
	}
	counts, err := g.partitionCounts(g.client)
	if err != nil {
		return nil, unreachable(err, "describeTopics")
	}
	for _, p := range inMapOrder(plan) {
		if counts[p.Topic] == 0 {
			return nil, says("java.util.concurrent.ExecutionException: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: "+
				"Failed to fetch metadata for partition %s-%d because metadata for topic `%s` could not be found", p.Topic, p.Number, p.Topic)
		}
	}
	if err := g.checkExist(inMapOrder(plan)); err != nil {
		return nil, err
	}
	steps, err := consumergroup.Within(g.ctx, g.client, plan)
	g.warnOf(steps)
	return steps, unreachable(err, "listOffsets")
}

// parseDateTime reads YYYY-MM-DDThh:mm:ss.sss, in UTC unless a zone follows (Utils.getDateTime).
func parseDateTime(s string) (time.Time, error) {
	_, clock, isTime := strings.Cut(s, "T")
	if !isTime {
		return time.Time{}, says("java.text.ParseException: Error parsing timestamp. It does not contain a 'T' according to ISO8601 format")
	}
	if !strings.ContainsAny(clock, "+-Z") {
		s += "Z"
	}
	for _, layout := range []string{"2006-01-02T15:04:05.000Z0700", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000Z07"} {
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
