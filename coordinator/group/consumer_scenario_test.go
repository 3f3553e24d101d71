package group

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// consumerClient is a member of the consumer protocol as its application knows it.
// It does what it is told: it gives up and takes up partitions at once, and says
// so with its next heartbeat.
type consumerClient struct {
	name, group string
	memberID    string
	epoch       int32
	instance    *string
	rack        *string
	assignor    *string
	topics      []string
	pattern     *string
	timeout     time.Duration
	owned       map[string][]int32
	told        string // what it said last that it owns
}

// runConsumer plays the commands of the consumer protocol.
func (s *stage) runConsumer(name string, args []string, options map[string]string) {
	s.t.Helper()
	switch name {
	case "topic": // topic NAME PARTITIONS; 0 deletes it
		s.setTopic(args[0], int32(s.number(args[1])))
	case "beat": // beat NAME [topics=t+u] [pattern=RE] [instance=I] [epoch=N] [owned=t:0+1] [full=yes] ...
		s.beat(args[0], options)
	case "go": // go NAME: leaves; with away=yes a static member means to come back
		options["epoch"] = "-1"
		if _, ok := options["away"]; ok {
			options["epoch"] = "-2"
		}
		s.beat(args[0], options)
	case "resolve": // what patterns stand for is found out
		s.resolve()
	case "describe-consumer": // describe-consumer GROUP...
		s.do(s.machine.DescribeConsumer(s.now, args, s.sayConsumers))
	default:
		s.runShare(name, args, options)
	}
}

func (s *stage) configureConsumer(config *Config, key, value string) {
	settings := config.Settings("")
	switch key {
	case "assignment-interval":
		settings.AssignmentInterval = s.duration(value)
	case "consumer-session":
		settings.SessionTimeout = s.duration(value)
	case "consumer-max-size":
		config.ConsumerMembersMax = int32(s.number(value))
	case "pattern-max":
		config.PatternBytesMax = s.number(value)
	case "migration":
		config.Migration = map[string]MigrationPolicy{
			"disabled": {}, "upgrade": {Upgrade: true}, "downgrade": {Downgrade: true}, "bidirectional": {Upgrade: true, Downgrade: true},
		}[value]
	default:
		s.configureShare(config, key, value)
	}
	config.Settings = func(string) Settings { return settings }
}

func (s *stage) consumer(name string, options map[string]string) *consumerClient {
	c := s.consumers[name]
	if c == nil {
		c = &consumerClient{name: name, group: "g", memberID: name, topics: []string{"t"}, timeout: 30 * time.Second}
		s.consumers[name] = c
	}
	text := func(key string) *string {
		if value, ok := options[key]; ok {
			return &value
		}
		return nil
	}
	for key, to := range map[string]**string{"instance": &c.instance, "rack": &c.rack, "assignor": &c.assignor, "pattern": &c.pattern} {
		if value := text(key); value != nil {
			*to = value
		}
	}
	for key, value := range options {
		switch key {
		case "group":
			c.group = value
		case "id":
			c.memberID = strings.Trim(value, `"`)
		case "topics":
			c.topics = splitList(value, "+")
		case "timeout":
			c.timeout = s.duration(value)
		}
	}
	return c
}

func splitList(text, separator string) []string {
	if text == "none" || text == "" {
		return []string{}
	}
	return strings.Split(text, separator)
}

// beat sends a heartbeat: everything when the client joins or is asked to, else
// what has changed.
func (s *stage) beat(name string, options map[string]string) {
	c := s.consumer(name, options)
	epoch := c.epoch
	if value, ok := options["epoch"]; ok {
		epoch = int32(s.number(value))
	}
	in := ConsumerHeartbeatInput{
		GroupID: c.group, MemberID: c.memberID, Epoch: epoch, ClientID: c.name, ClientHost: "/127.0.0.1",
		InstanceID: c.instance, RebalanceTimeoutMillis: protocol.None,
	}
	_, full := options["full"]
	if epoch == JoinEpoch {
		c.owned, full = nil, true
	}
	owned := ownedText(c.owned)
	if full || owned != c.told {
		a := s.assignmentOf(c.owned)
		in.Owned = &a
	}
	if value, ok := options["owned"]; ok {
		a := s.assignmentOf(parseOwned(s, value))
		in.Owned, owned = &a, value
	}
	if full {
		in.RebalanceTimeoutMillis = int32(c.timeout.Milliseconds())
		in.Topics, in.Pattern, in.Assignor, in.Rack = c.topics, c.pattern, c.assignor, c.rack
	}
	if _, ok := options["topics"]; ok {
		in.Topics = c.topics
	}
	if _, ok := options["pattern"]; ok {
		in.Pattern = c.pattern
	}
	if _, ok := options["assignor"]; ok {
		in.Assignor = c.assignor
	}
	s.do(s.machine.ConsumerHeartbeat(s.now, in, func(out ConsumerHeartbeatOutput) { s.beaten(c, owned, out) }))
}

func (s *stage) beaten(c *consumerClient, owned string, out ConsumerHeartbeatOutput) {
	if out.Err != nil {
		s.say("%s <- %v", c.name, out.Err)
		return
	}
	c.memberID, c.epoch, c.told = out.MemberID, out.Epoch, owned
	if out.Epoch < 0 {
		s.say("%s <- left", c.name)
		c.epoch = JoinEpoch
		return
	}
	text := fmt.Sprintf("%s <- epoch %d", c.name, out.Epoch)
	if out.Assignment != nil {
		c.owned = map[string][]int32{}
		for _, t := range named(*out.Assignment, s.config.Topics()) {
			c.owned[t.Topic] = t.Partitions
		}
		text += ", owns " + ownedText(c.owned)
	}
	s.say("%s", text)
}

func ownedText(owned map[string][]int32) string {
	var parts []string
	for _, topic := range sortedKeys(owned) {
		parts = append(parts, topic+":"+strings.Trim(strings.ReplaceAll(fmt.Sprint(owned[topic]), " ", "+"), "[]"))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ",")
}

func parseOwned(s *stage, text string) map[string][]int32 {
	owned := map[string][]int32{}
	for _, part := range splitList(text, ",") {
		topic, partitions, _ := strings.Cut(part, ":")
		for _, p := range strings.Split(partitions, "+") {
			owned[topic] = append(owned[topic], int32(s.number(p)))
		}
	}
	return owned
}

func (s *stage) assignmentOf(owned map[string][]int32) assignor.Assignment {
	a := assignor.Assignment{}
	for _, topic := range sortedKeys(owned) { // ids sort as names do
		if t, ok := s.topics.topics[topic]; ok {
			a = append(a, assignor.Partitions{Topic: t.ID, Partitions: owned[topic]})
		}
	}
	return a
}

func (s *stage) sayConsumers(groups []ConsumerDescription, _ error) {
	for _, g := range groups {
		if g.Err != nil {
			s.say("%s: %v", g.GroupID, g.Err)
			continue
		}
		s.say("%s: %s, epoch %d, target %d by %s", g.GroupID, g.State, g.Epoch, g.TargetEpoch, g.Assignor)
		for _, m := range g.Members {
			kind := "consumer"
			if m.SpeaksClassic {
				kind = "classic"
			}
			s.say("  %s instance %s at epoch %d reads %v%q, owns %s, is to own %s, %s",
				m.MemberID, orNull(m.InstanceID), m.Epoch, m.Topics, m.Pattern, namedText(m.Assigned), namedText(m.Target), kind)
		}
	}
}

func namedText(list []NamedPartitions) string {
	owned := map[string][]int32{}
	for _, t := range list {
		owned[t.Topic] = t.Partitions
	}
	return ownedText(owned)
}

// describeConsumerRecord tells a record of the consumer protocol in words. Topics
// go by the beginning of their ids, which are their names.
func describeConsumerRecord(kind int, r coordinator.Record) string {
	id, about, err := parseConsumerKey(kind, r.Key)
	if err != nil {
		return err.Error()
	}
	what := map[int]string{
		consumerGroupKey: "epoch", consumerPartitionsKey: "partition metadata", consumerMemberKey: "member", consumerTargetAssignmentKey: "target epoch",
		consumerTargetMemberKey: "target of", consumerCurrentKey: "assignment of", consumerPatternKey: "pattern",
	}[kind]
	head := strings.TrimSpace(fmt.Sprintf("group %s %s %s", id, what, about))
	if r.Value == nil {
		return head + " forgotten"
	}
	g := newConsumerGroup(id)
	if err := (&Machine{}).setConsumer(g, kind, about, r.Value); err != nil {
		return err.Error()
	}
	switch kind {
	case consumerGroupKey:
		return fmt.Sprintf("%s %d", head, g.epoch)
	case consumerMemberKey:
		s := g.members[about].told
		text := fmt.Sprintf("%s reads %v", head, s.topics)
		if s.pattern != "" {
			text += fmt.Sprintf(" and %q", s.pattern)
		}
		if s.instanceID != nil {
			text += " as " + *s.instanceID
		}
		if s.classic != nil {
			text += ", classic"
		}
		return text
	case consumerTargetAssignmentKey:
		return fmt.Sprintf("%s %d", head, g.targetEpoch)
	case consumerTargetMemberKey:
		return head + " " + idsText(own(g.targets[about], 0))
	case consumerCurrentKey:
		c := g.members[about].current
		text := fmt.Sprintf("%s at epoch %d, after %d, %s: %s", head, c.epoch, c.previousEpoch,
			map[memberState]string{memberStable: "stable", memberRevoking: "revoking", memberWaiting: "waiting"}[c.state], idsText(c.assigned))
		if len(c.revoking) > 0 {
			text += ", gives up " + idsText(c.revoking)
		}
		return text
	case consumerPatternKey:
		return fmt.Sprintf("%s is %v", head, g.resolved[about].topics)
	}
	return head
}

func idsText(owned ownedPartitions) string {
	named := map[string][]int32{}
	for _, t := range owned {
		name := strings.TrimRight(string(t.topic[:15]), "\x00")
		named[name] = slices.Clone(t.partitions)
	}
	return ownedText(named)
}

// assignmentBytes is what a leader assigns: any text, or "consumer:t:0+1", as
// consumers write it, with user data after another colon.
func (s *stage) assignmentBytes(text string) []byte {
	rest, ok := strings.CutPrefix(text, "consumer:")
	if !ok {
		return []byte(text)
	}
	a := kmsg.NewConsumerMemberAssignment()
	topics, userData, _ := strings.Cut(rest, ":mine")
	if userData != "" || strings.HasSuffix(rest, ":mine") {
		a.UserData = []byte("mine")
	}
	for topic, partitions := range parseOwned(s, topics) {
		one := kmsg.NewConsumerMemberAssignmentTopic()
		one.Topic, one.Partitions = topic, partitions
		a.Topics = append(a.Topics, one)
	}
	return a.AppendTo(nil)
}

// assignedText is what a member was assigned, as text if consumers wrote it.
func assignedText(b []byte) string {
	a := kmsg.NewConsumerMemberAssignment()
	if len(b) < 10 || a.ReadFrom(b) != nil {
		return fmt.Sprintf("%q", b)
	}
	owned := map[string][]int32{}
	for _, t := range a.Topics {
		owned[t.Topic] = t.Partitions
	}
	return ownedText(owned)
}

// owning is the protocols with what the member says that it owns.
func (s *stage) owning(protocols []Protocol, text string) []Protocol {
	out := slices.Clone(protocols)
	for i, p := range out {
		said, err := parseSubscription(p.Metadata)
		if err != nil {
			s.t.Fatal(err)
		}
		said.Version = 1
		for topic, partitions := range parseOwned(s, text) {
			one := kmsg.NewConsumerMemberMetadataOwnedPartition()
			one.Topic, one.Partitions = topic, partitions
			said.OwnedPartitions = append(said.OwnedPartitions, one)
		}
		out[i].Metadata = said.AppendTo(nil)
	}
	return out
}
