package group

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/group/assignor"
	"github.com/barnabas-mq/barnabas/protocol"
)

// runShare plays the commands of share groups. Members are named by their ids.
func (s *stage) runShare(name string, args []string, options map[string]string) {
	s.t.Helper()
	switch name {
	case "share": // share MEMBER [topics=t+u] [epoch=N] [group=G] [rack=R]; epoch 0 joins
		s.share(args[0], options)
	case "unshare": // unshare MEMBER: leaves
		options["epoch"] = "-1"
		s.share(args[0], options)
	case "initialized": // initialized [but=t:0+1]: what was asked for has state, but for some
		s.initialized(options["but"])
	case "describe-share": // describe-share GROUP...
		s.do(s.machine.DescribeShare(s.now, args, s.sayShares))
	case "forget-topics": // forget-topics ID...: they were deleted
		var ids []protocol.UUID
		for _, id := range args {
			ids = append(ids, idOfText(id))
		}
		s.do(s.machine.DeleteSharedTopics(s.now, ids, func(err error) { s.say("forgotten: %v", orOK(err)) }))
	case "share-partitions": // share-partitions GROUP
		s.do(s.machine.SharePartitions(s.now, args[0], func(list []NamedPartitions, err error) { s.say("%s: %s", args[0], namedText(list)) }))
	case "alter-share": // alter-share GROUP TOPIC-PARTITION=OFFSET...
		s.alterShare(args, options)
	case "delete-share-offsets": // delete-share-offsets GROUP TOPIC...
		s.do(s.machine.BeginDeleteShareOffsets(s.now, DeleteShareOffsetsInput{GroupID: args[0], Topics: args[1:]}, s.sayDeleting))
	case "share-offsets-deleted": // share-offsets-deleted GROUP ID...
		var ids []protocol.UUID
		for _, id := range args[1:] {
			ids = append(ids, idOfText(id))
		}
		s.do(s.machine.EndDeleteShareOffsets(s.now, args[0], ids, func(err error) { s.say("deleted: %v", orOK(err)) }))
	case "begin-delete-groups": // begin-delete-groups GROUP...
		s.do(s.machine.BeginShareDeletions(s.now, args, func(deletions []ShareDeletion, _ error) {
			for _, d := range deletions {
				s.say("%s: %v, has to delete %s", d.GroupID, orOK(d.Err), idsText(own(d.Partitions, 0)))
			}
		}))
	default:
		s.t.Fatalf("unknown command %q", name)
	}
}

func (s *stage) configureShare(config *Config, key, value string) {
	settings := config.ShareSettings("")
	switch key {
	case "share-interval":
		settings.AssignmentInterval = s.duration(value)
	case "share-max-size":
		config.ShareMembersMax = int32(s.number(value))
	case "share-retry":
		config.ShareInitializeRetry = s.duration(value)
	default:
		s.t.Fatalf("unknown setting %q", key)
	}
	config.ShareSettings = func(string) Settings { return settings }
}

// share sends a heartbeat at the epoch that the member was told last.
func (s *stage) share(id string, options map[string]string) {
	in := ShareHeartbeatInput{GroupID: "s", MemberID: strings.Trim(id, `"`), ClientID: "c", ClientHost: "/127.0.0.1", Epoch: s.shareEpochs[id]}
	for key, value := range options {
		switch key {
		case "group":
			in.GroupID = strings.Trim(value, `"`)
		case "epoch":
			in.Epoch = int32(s.number(value))
		case "topics":
			in.Topics = splitList(value, "+")
		case "rack":
			in.Rack = new(strings.Trim(value, `"`))
		}
	}
	s.do(s.machine.ShareHeartbeat(s.now, in, func(out ShareHeartbeatOutput) {
		if out.Err != nil {
			s.say("%s <- %v", id, out.Err)
			return
		}
		s.shareEpochs[id] = max(out.Epoch, 0)
		text := fmt.Sprintf("%s <- epoch %d, next in %s", id, out.Epoch, out.HeartbeatInterval)
		if out.Assignment != nil {
			text += ", reads " + idsText(own(*out.Assignment, 0))
		}
		s.say("%s", text)
	}))
}

// initialized answers what was asked for.
func (s *stage) initialized(but string) {
	asked := s.asked
	s.asked = nil
	for _, q := range asked {
		in := ShareInitialized{GroupID: q.GroupID}
		for _, start := range q.Starts {
			part := assignor.Assignment{{Topic: start.Topic, Partitions: []int32{start.Partition}}}
			name := strings.TrimRight(string(start.Topic[:15]), "\x00")
			if slices.Contains(parseOwned(s, but)[name], start.Partition) {
				in.Failed = in.Failed.Union(part)
			} else {
				in.Done = in.Done.Union(part)
			}
		}
		s.say("asked for %s at epoch %d: %s", q.GroupID, q.StateEpoch, startsText(q.Starts))
		s.do(s.machine.ShareInitialized(s.now, in, func(error) {}))
	}
	if asked == nil {
		s.say("nothing was asked for")
	}
}

func startsText(starts []ShareStart) string {
	var parts []string
	for _, start := range starts {
		parts = append(parts, fmt.Sprintf("%s-%d from %d", strings.TrimRight(string(start.Topic[:15]), "\x00"), start.Partition, start.Offset))
	}
	return strings.Join(parts, ", ")
}

func (s *stage) alterShare(args []string, options map[string]string) {
	in := AlterShareOffsetsInput{GroupID: args[0]}
	for _, word := range args[1:] {
		tp, offset, _ := strings.Cut(word, "=")
		at := strings.LastIndex(tp, "-")
		topic, start := tp[:at], ShareStart{Partition: int32(s.number(tp[at+1:])), Offset: protocol.Offset(s.number(offset))}
		if n := len(in.Topics); n == 0 || in.Topics[n-1].Topic != topic {
			in.Topics = append(in.Topics, AlterShareTopic{Topic: topic})
		}
		last := &in.Topics[len(in.Topics)-1]
		last.Starts = append(last.Starts, start)
	}
	s.do(s.machine.BeginAlterShareOffsets(s.now, in, func(out AlterShareOffsetsOutput) {
		if out.Err != nil {
			s.say("%v", out.Err)
			return
		}
		for _, t := range out.Topics {
			for _, p := range t.Partitions {
				s.say("%s-%d: %v", t.Topic, p.Partition, orOK(p.Err))
			}
		}
		if len(out.Initialization.Starts) > 0 {
			s.asked = append(s.asked, out.Initialization)
		}
	}))
}

func (s *stage) sayDeleting(out DeleteShareOffsetsOutput) {
	if out.Err != nil {
		s.say("%v", out.Err)
	}
	for _, t := range out.Topics {
		s.say("%s: %v, has to delete %v", t.Topic, orOK(t.Err), t.Partitions)
	}
}

func (s *stage) sayShares(groups []ShareDescription, _ error) {
	for _, g := range groups {
		if g.Err != nil {
			s.say("%s: %v", g.GroupID, g.Err)
			continue
		}
		s.say("%s: %s, epoch %d, target %d by %s", g.GroupID, g.State, g.Epoch, g.TargetEpoch, g.Assignor)
		for _, m := range g.Members {
			s.say("  %s rack %s at epoch %d subscribes to %v, reads %s", m.MemberID, orNull(m.Rack), m.Epoch, m.Topics, namedText(m.Assigned))
		}
	}
}

// idOfText is the id of a topic in a scenario: its name and the number of its
// birth, as in "t#1".
func idOfText(text string) protocol.UUID {
	name, version, _ := strings.Cut(text, "#")
	n := 0
	fmt.Sscan(version, &n)
	return topicIDOf(name, int64(n))
}

// describeShareRecord tells a record of a share group in words.
func describeShareRecord(kind int, r coordinator.Record) string {
	id, member, err := parseShareKey(kind, r.Key)
	if err != nil {
		return err.Error()
	}
	what := map[int]string{
		shareMemberKey: "member", shareGroupKey: "epoch", shareTargetAssignmentKey: "target epoch",
		shareTargetMemberKey: "target of", shareCurrentKey: "assignment of", shareProgressKey: "state",
	}[kind]
	head := strings.TrimSpace(fmt.Sprintf("share group %s %s %s", id, what, member))
	if r.Value == nil {
		return head + " forgotten"
	}
	g := newShareGroup(id)
	if err := g.set(kind, member, r.Value); err != nil {
		return err.Error()
	}
	switch kind {
	case shareMemberKey:
		return fmt.Sprintf("%s subscribes to %v, rack %s", head, g.members[member].told.topics, orNull(g.members[member].told.rack))
	case shareGroupKey:
		return fmt.Sprintf("%s %d", head, g.epoch)
	case shareTargetAssignmentKey:
		return fmt.Sprintf("%s %d", head, g.targetEpoch)
	case shareTargetMemberKey:
		return head + " " + idsText(own(g.targets[member], 0))
	case shareCurrentKey:
		c := g.members[member].current
		return fmt.Sprintf("%s at epoch %d, after %d: %s", head, c.epoch, c.previousEpoch, idsText(own(c.assigned, 0)))
	}
	return fmt.Sprintf("%s: asked for %s, has %s, deletes %s", head, shareTopicsText(g.state.initializing), shareTopicsText(g.state.initialized), shareTopicsText(g.state.deleting))
}

func shareTopicsText(topics []shareTopic) string {
	var parts []string
	for _, t := range topics {
		part := t.name
		for i, p := range t.partitions {
			part += fmt.Sprintf("%c%d", ":+"[min(i, 1)], p)
		}
		parts = append(parts, part)
	}
	return cmp.Or(strings.Join(parts, ","), "nothing")
}

// durableShare is what the journal holds of a share group, as text.
func durableShare(entry *group) string {
	if entry == nil || entry.share == nil {
		return "no such group\n"
	}
	g := entry.share
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d hash %x target %d at %d names %v bytes %d\n", g.epoch, uint64(g.metadataHash), g.targetEpoch, g.targetAt, g.names, g.bytes)
	for _, m := range g.sortedMembers() {
		fmt.Fprintf(&b, "%s %+v", m.id, m.current)
		if m.told != nil {
			fmt.Fprintf(&b, " rack %s client %s%s topics %v", orNull(m.told.rack), m.told.clientID, m.told.clientHost, m.told.topics)
		}
		b.WriteByte('\n')
	}
	for _, id := range sortedKeys(g.targets) {
		fmt.Fprintf(&b, "%s is to read %v\n", id, g.targets[id])
	}
	fmt.Fprintf(&b, "state %+v\n", g.state)
	return b.String()
}
