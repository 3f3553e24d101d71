package group

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/internal/scenario"
	"github.com/barnabas-mq/barnabas/protocol"
)

// TestScenarios plays the dialogues in testdata. The commands are in stage.run.
func TestScenarios(t *testing.T) {
	scenario.Play(t, func(t *testing.T) func([]string) []string {
		s := newStage(t)
		return func(command []string) []string {
			s.said = nil
			s.run(command)
			return s.said
		}
	})
}

// stage has the players: clients with names, in one group unless they say
// otherwise.
type stage struct {
	t *testing.T
	*driver
	clients map[string]*client
	said    []string
	// consumers are the clients of the consumer protocol, see consumer_scenario_test.go.
	consumers map[string]*consumerClient
	// shareEpochs are those that members of share groups were told, by member id.
	shareEpochs map[string]int32
}

// client is a member as its application knows it.
type client struct {
	name       string
	group      string
	instance   *string
	memberID   string
	generation int32
	version    int
	session    time.Duration
	rebalance  time.Duration
	kind       string
	protocols  []Protocol
}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, clients: map[string]*client{}, consumers: map[string]*consumerClient{}, shareEpochs: map[string]int32{}}
	s.reset(DefaultConfig())
	return s
}

func (s *stage) reset(config Config) {
	s.driver = newDriver(s.t, config)
	s.driver.wrote = func(r coordinator.Record) { s.say("journal: %s", describeRecord(r)) }
	s.driver.ended = func(m coordinator.Marker) {
		s.say("journal: transaction of %d ended, commit is %t", m.Producer.ID, m.Commit)
	}
}

func (s *stage) say(format string, args ...any) {
	s.said = append(s.said, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// run plays one command.
func (s *stage) run(words []string) {
	s.t.Helper()
	name, args, options := words[0], []string(nil), map[string]string{}
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok && !strings.Contains(key, "-") {
			options[key] = value
		} else {
			args = append(args, w)
		}
	}
	switch name {
	case "config": // config delay=3s max-size=2 ...
		s.configure(words[1:])
	case "join": // join NAME [version=9] [instance=I] [protocols=range:t1+t2,sticky] ...
		s.join(args[0], options)
	case "sync": // sync NAME [NAME:PARTITIONS...]
		s.sync(args, options)
	case "heartbeat": // heartbeat NAME [generation=N] [id=ID]
		s.heartbeat(args[0], options)
	case "leave": // leave NAME... [instance=I]
		s.leave(args, options)
	case "commit": // commit NAME TOPIC-PARTITION=OFFSET...
		s.commit(args, options)
	case "fetch": // fetch [group=G] [TOPIC-PARTITION...]
		s.fetch(args, options)
	case "end-transaction": // end-transaction PRODUCER commit|abort
		s.endTransaction(args)
	case "delete-offsets": // delete-offsets [group=G] TOPIC-PARTITION...
		s.deleteOffsets(args, options)
	case "delete-topic": // delete-topic TOPIC
		s.do(s.machine.DeleteTopicOffsets(s.now, args, func(err error) { s.say("deleted: %v", orOK(err)) }))
	case "delete-groups": // delete-groups GROUP...
		s.do(s.machine.DeleteGroups(s.now, args, func(results []GroupResult, err error) {
			for _, r := range results {
				s.say("%s: %v", r.GroupID, orOK(r.Err))
			}
		}))
	case "describe": // describe GROUP...
		s.do(s.machine.Describe(s.now, args, s.sayDescriptions))
	case "list": // list [state=S] [type=T]
		s.list(options)
	case "advance": // advance DURATION
		s.advance(s.duration(args[0]))
	case "restart": // everything volatile is lost, the journal is replayed
		s.restart()
	default:
		s.runConsumer(name, args, options)
	}
	s.runDue()
}

func orOK(err error) any {
	if err == nil {
		return "ok"
	}
	return err
}

func (s *stage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stage) configure(words []string) {
	config := DefaultConfig()
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "delay":
			config.InitialRebalanceDelayMillis = int32(s.duration(value).Milliseconds())
		case "quiet":
			config.JoinQuiet = s.duration(value)
		case "max-size":
			config.MembersMax = int32(s.number(value))
		case "metadata-max":
			config.OffsetMetadataBytesMax = int32(s.number(value))
		case "record-max":
			config.RecordBytesMax = s.number(value)
		case "retention":
			config.OffsetsRetentionMillis = s.duration(value).Milliseconds()
		case "check":
			config.OffsetsCheckMillis = s.duration(value).Milliseconds()
		case "pending-max":
			config.PendingMembersMax = s.number(value)
		default:
			s.configureConsumer(&config, key, value)
		}
	}
	if s.journal == nil {
		s.reset(config)
		return
	}
	config.Topics = s.config.Topics
	s.config = config // from the next restart on
}

// client finds a client, or makes it with what most clients have.
func (s *stage) client(name string, options map[string]string) *client {
	c := s.clients[name]
	if c == nil {
		c = &client{
			name: name, group: "g", version: 9, kind: consumerProtocolType, generation: noGeneration,
			session: 10 * time.Second, rebalance: 60 * time.Second,
			protocols: parseProtocols("range:t"),
		}
		s.clients[name] = c
	}
	for key, value := range options {
		switch key {
		case "group":
			c.group = value
		case "version":
			c.version = s.number(value)
		case "instance":
			c.instance = &value
		case "id":
			c.memberID = strings.Trim(value, `"`)
		case "generation":
			c.generation = int32(s.number(value))
		case "session":
			c.session = s.duration(value)
		case "rebalance":
			c.rebalance = s.duration(value)
		case "type":
			c.kind = value
		case "protocols":
			c.protocols = parseProtocols(value)
		}
	}
	return c
}

// parseProtocols reads "range:t1+t2,sticky:t1": names with the topics that the
// metadata subscribes to; "range:!junk" has metadata that no one can read.
func parseProtocols(text string) []Protocol {
	var protocols []Protocol
	for _, p := range strings.Split(text, ",") {
		if p == "none" {
			return nil
		}
		name, topics, _ := strings.Cut(p, ":")
		metadata := []byte(topics)
		if !strings.HasPrefix(topics, "!") {
			metadata = subscribing(strings.Split(topics, "+")...)
		}
		protocols = append(protocols, Protocol{Name: name, Metadata: metadata})
	}
	return protocols
}

// subscribing is ConsumerProtocolSubscription version 0.
func subscribing(topics ...string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 0}, uint32(len(topics)))
	for _, t := range topics {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(t))), t...)
	}
	return binary.BigEndian.AppendUint32(b, 1<<32-1)
}

func (s *stage) join(name string, options map[string]string) {
	c := s.client(name, options)
	protocols := c.protocols
	if owned, ok := options["owned"]; ok {
		protocols = s.owning(protocols, owned)
	}
	in := JoinInput{
		GroupID: c.group, MemberID: c.memberID, InstanceID: c.instance, ClientID: c.name, ClientHost: "/127.0.0.1",
		SessionTimeoutMillis: int32(c.session.Milliseconds()), RebalanceTimeoutMillis: int32(c.rebalance.Milliseconds()),
		ProtocolType: c.kind, Protocols: protocols,
		MemberIDRequired: c.version >= 4, CanSkipAssignment: c.version >= 9, StartsSlowly: options["slow"] != "",
	}
	s.do(s.machine.Join(s.now, in, func(out JoinOutput) {
		if out.Err != nil {
			s.say("%s <- join: %v; id %q", name, out.Err, out.MemberID)
			if out.Err == ErrMemberIDRequired {
				c.memberID = out.MemberID
			}
			return
		}
		c.memberID, c.generation = out.MemberID, out.Generation
		role := "follows " + out.Leader
		if out.Leader == out.MemberID {
			role = "leads"
		}
		if out.SkipAssignment {
			role += " without assigning"
		}
		s.say("%s <- joined: generation %d of %s/%s as %s, %s%s", name, out.Generation,
			orNull(out.ProtocolType), orNull(out.Protocol), out.MemberID, role, rosterText(out.Members))
	}))
}

func rosterText(members []JoinMember) string {
	var b strings.Builder
	for _, m := range members {
		b.WriteString(" " + m.MemberID)
		if m.InstanceID != nil {
			b.WriteString("(" + *m.InstanceID + ")")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return " over" + b.String()
}

func (s *stage) sync(args []string, options map[string]string) {
	c := s.client(args[0], options)
	in := SyncInput{GroupID: c.group, MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation}
	if protocol, ok := options["protocol"]; ok {
		in.ProtocolType, in.Protocol = &c.kind, &protocol
	}
	for _, a := range args[1:] {
		name, partitions, _ := strings.Cut(a, ":")
		in.Assignments = append(in.Assignments, Assignment{MemberID: s.clients[name].memberID, Bytes: s.assignmentBytes(partitions)})
	}
	s.do(s.machine.Sync(s.now, in, func(out SyncOutput) {
		if out.Err != nil {
			s.say("%s <- sync: %v", c.name, out.Err)
			return
		}
		s.say("%s <- assigned %s by %s/%s", c.name, assignedText(out.Assignment), orNull(out.ProtocolType), orNull(out.Protocol))
	}))
}

func (s *stage) heartbeat(name string, options map[string]string) {
	c := s.client(name, options)
	in := HeartbeatInput{GroupID: c.group, MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation}
	s.do(s.machine.Heartbeat(s.now, in, func(err error) { s.say("%s <- heartbeat: %v", name, orOK(err)) }))
}

func (s *stage) leave(args []string, options map[string]string) {
	in := LeaveInput{GroupID: "g"}
	for _, name := range args {
		c := s.client(name, nil)
		in.GroupID = c.group
		in.Members = append(in.Members, LeaveMember{MemberID: c.memberID, InstanceID: c.instance})
	}
	if group, ok := options["group"]; ok {
		in.GroupID = group
	}
	if instance, ok := options["instance"]; ok { // as an administrator removes it
		in.Members = append(in.Members, LeaveMember{InstanceID: &instance})
	}
	s.do(s.machine.Leave(s.now, in, func(out LeaveOutput) {
		if out.Err != nil {
			s.say("leave: %v", out.Err)
		}
		for _, m := range out.Members {
			s.say("%q instance %s left: %v", m.MemberID, orNull(m.InstanceID), orOK(m.Err))
		}
	}))
}

// topicPartitions reads "t-0=42" and "t-0" words.
func (s *stage) topicPartition(text string) (tp topicPartition, offset protocol.Offset, metadata string) {
	text, value, _ := strings.Cut(text, "=")
	cut := strings.LastIndex(text, "-")
	tp = topicPartition{text[:cut], int32(s.number(text[cut+1:]))}
	if value != "" {
		value, metadata, _ = strings.Cut(value, ":")
		offset = protocol.Offset(s.number(value))
	}
	return tp, offset, metadata
}

func (s *stage) commit(args []string, options map[string]string) {
	c := s.client(args[0], options)
	in := CommitInput{
		GroupID: c.group, MemberID: c.memberID, InstanceID: c.instance, Generation: c.generation,
		RetentionMillis: -1, NotFoundForUnknownGroup: c.version >= 9, TakesMemberEpoch: c.version >= 9,
	}
	if producer, ok := options["producer"]; ok {
		in.Producer = &coordinator.Producer{ID: protocol.ProducerID(s.number(producer))}
	}
	if retention, ok := options["retention"]; ok {
		in.RetentionMillis = s.duration(retention).Milliseconds()
	}
	for _, word := range args[1:] {
		tp, offset, metadata := s.topicPartition(word)
		one := CommitPartition{Partition: tp.partition, Offset: offset, LeaderEpoch: protocol.None, Metadata: metadata}
		if ago, ok := options["ago"]; ok {
			at := s.now.Wall - protocol.Timestamp(s.duration(ago).Milliseconds())
			one.CommittedAt = &at
		}
		in.Topics = append(in.Topics, CommitTopic{Topic: tp.topic, TopicID: s.topics.topics[tp.topic].ID, Partitions: []CommitPartition{one}})
	}
	s.do(s.machine.Commit(s.now, in, func(out CommitOutput) {
		if out.Err != nil {
			s.say("%s <- commit: %v", c.name, out.Err)
		}
		s.sayResults(c.name+" <- commit of", out.Topics)
	}))
}

func (s *stage) sayResults(what string, topics []TopicResult) {
	for _, topic := range topics {
		for _, p := range topic.Partitions {
			s.say("%s %s-%d: %v", what, topic.Topic, p.Partition, orOK(p.Err))
		}
	}
}

func groupOf(options map[string]string) string {
	if g, ok := options["group"]; ok {
		return g
	}
	return "g"
}

func (s *stage) fetchTopics(args []string) []FetchTopic {
	var topics []FetchTopic
	for _, word := range args {
		tp, _, _ := s.topicPartition(word)
		topics = append(topics, FetchTopic{Topic: tp.topic, Partitions: []int32{tp.partition}})
	}
	return topics
}

func (s *stage) fetch(args []string, options map[string]string) {
	in := FetchInput{GroupID: groupOf(options), MemberEpoch: noGeneration, All: len(args) == 0, Topics: s.fetchTopics(args)}
	_, in.RequireStable = options["stable"]
	s.do(s.machine.Fetch(s.now, in, func(out FetchOutput) {
		if out.Err != nil {
			s.say("fetch: %v", out.Err)
		}
		for _, topic := range out.Topics {
			for _, p := range topic.Partitions {
				s.say("%s-%d: offset %d epoch %d metadata %q: %v", topic.Topic, p.Partition, p.Offset, p.LeaderEpoch, p.Metadata, orOK(p.Err))
			}
		}
	}))
}

func (s *stage) endTransaction(args []string) {
	marker := coordinator.Marker{Producer: coordinator.Producer{ID: protocol.ProducerID(s.number(args[0]))}, Commit: args[1] == "commit"}
	s.do(s.machine.EndTransaction(s.now, marker, func(err error) { s.say("transaction of %s <- end: %v", args[0], orOK(err)) }))
}

func (s *stage) deleteOffsets(args []string, options map[string]string) {
	in := DeleteOffsetsInput{GroupID: groupOf(options), Topics: s.fetchTopics(args)}
	s.do(s.machine.DeleteOffsets(s.now, in, func(out DeleteOffsetsOutput) {
		if out.Err != nil {
			s.say("delete-offsets: %v", out.Err)
		}
		s.sayResults("delete", out.Topics)
	}))
}

func (s *stage) list(options map[string]string) {
	var in ListInput
	if state, ok := options["state"]; ok {
		in.States = strings.Split(state, ",")
	}
	if kind, ok := options["type"]; ok {
		in.Types = strings.Split(kind, ",")
	}
	s.do(s.machine.List(s.now, in, func(groups []Listing, err error) {
		for _, g := range groups {
			s.say("%s: %s, %s of type %q", g.GroupID, g.State, g.Type, g.ProtocolType)
		}
	}))
}

func (s *stage) sayDescriptions(groups []Description, _ error) {
	for _, g := range groups {
		s.say("%s: %s, type %q, protocol %q: %v", g.GroupID, g.State, g.ProtocolType, g.Protocol, orOK(g.Err))
		for _, m := range g.Members {
			s.say("  %s instance %s client %s%s metadata %q assignment %q",
				m.MemberID, orNull(m.InstanceID), m.ClientID, m.ClientHost, m.Metadata, m.Assignment)
		}
	}
}

// describeRecord tells a record in words.
func describeRecord(r coordinator.Record) string {
	kind, _ := recordKind(r.Key)
	if isConsumerKind(kind) {
		return describeConsumerRecord(kind, r)
	}
	if isShareKind(kind) {
		return describeShareRecord(kind, r)
	}
	if kind == groupKey {
		id, _ := parseGroupKey(r.Key)
		if r.Value == nil {
			return "group " + id + " deleted"
		}
		v, err := parseGroupValue(r.Value)
		if err != nil {
			return err.Error()
		}
		text := fmt.Sprintf("group %s generation %d of %q/%s led by %s", id, v.Generation, v.ProtocolType, orNull(v.Protocol), orNull(v.Leader))
		for _, m := range v.Members {
			text += fmt.Sprintf("; %s=%q", m.MemberID, m.Assignment)
		}
		return text
	}
	key, _ := parseOffsetKey(r.Key)
	id, tp := string(key.group), key.topicPartition()
	if r.Value == nil {
		return fmt.Sprintf("group %s %s-%d forgotten", id, tp.topic, tp.partition)
	}
	c, err := parseOffsetValue(r.Value)
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("group %s %s-%d at %d", id, tp.topic, tp.partition, c.offset)
	if c.expireAt != protocol.None {
		text += fmt.Sprintf(", until %dms later", c.expireAt-c.committedAt)
	}
	return text
}
