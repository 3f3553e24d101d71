package broker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/protocol"
)

// coordinator makes sure that there are groups.
func (c *client) coordinator() {
	q := kmsg.NewPtrFindCoordinatorRequest()
	q.SetVersion(4)
	q.CoordinatorKeys = []string{"g"}
	c.ask(q)
}

// joining is the first heartbeat of a member.
func joining(group, member string, topics ...string) *kmsg.ConsumerGroupHeartbeatRequest {
	q := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	q.SetVersion(1)
	q.Group, q.MemberID, q.RebalanceTimeoutMillis = group, member, 30_000
	q.SubscribedTopicNames, q.Topics = topics, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	return q
}

func (c *client) beat(q *kmsg.ConsumerGroupHeartbeatRequest) *kmsg.ConsumerGroupHeartbeatResponse {
	return c.ask(q).(*kmsg.ConsumerGroupHeartbeatResponse)
}

// mustBeat takes the answer's epoch into the request.
func (c *client) mustBeat(q *kmsg.ConsumerGroupHeartbeatRequest) *kmsg.ConsumerGroupHeartbeatResponse {
	c.t.Helper()
	p := c.beat(q)
	if p.ErrorCode != 0 {
		c.t.Fatalf("a heartbeat of %s: %d %s", q.MemberID, p.ErrorCode, *p.ErrorMessage)
	}
	q.MemberEpoch = p.MemberEpoch
	return p
}

func (c *client) describeConsumers(group string) kmsg.ConsumerGroupDescribeResponseGroup {
	q := kmsg.NewPtrConsumerGroupDescribeRequest()
	q.SetVersion(1)
	q.Groups, q.IncludeAuthorizedOperations = []string{group}, true
	return c.ask(q).(*kmsg.ConsumerGroupDescribeResponse).Groups[0]
}

func TestAConsumerGroupOverTheWire(t *testing.T) {
	b := mustOpen(t, vfs.NewMem(), "num.partitions=2")
	defer mustClose(t, b)
	c := dial(t, b)
	c.coordinator()
	id := c.topic("t")
	first := joining("g", "a", "t")
	p := c.mustBeat(first)
	if p.MemberEpoch != 2 || p.HeartbeatIntervalMillis != 1000 || *p.MemberID != "a" ||
		len(p.Assignment.Topics) != 1 || p.Assignment.Topics[0].TopicID != id || !slices.Equal(p.Assignment.Topics[0].Partitions, []int32{0, 1}) {
		t.Fatalf("joined: %+v", p)
	}
	if again := c.mustBeat(&kmsg.ConsumerGroupHeartbeatRequest{Version: 1, Group: "g", MemberID: "a", MemberEpoch: 2, RebalanceTimeoutMillis: -1}); again.Assignment != nil {
		t.Errorf("told again what it owns: %+v", again.Assignment)
	}
	d := c.describeConsumers("g")
	if d.ErrorCode != 0 || d.State != "Stable" || d.Epoch != 2 || d.AssignmentEpoch != 2 || d.AssignorName != "uniform" || len(d.Members) != 1 {
		t.Fatalf("described: %+v", d)
	}
	m := d.Members[0]
	if m.MemberID != "a" || m.ClientID != "test" || m.ClientHost != "/127.0.0.1" || m.MemberType != 1 ||
		m.Assignment.TopicPartitions[0].Topic != "t" || m.TargetAssignment.TopicPartitions[0].TopicID != id || *m.SubscribedTopicRegex != "" {
		t.Errorf("the member: %+v", m)
	}
	if got := c.describeConsumers("nobody"); got.ErrorCode != protocol.ErrGroupIDNotFound.Code || got.ErrorMessage == nil || !strings.Contains(*got.ErrorMessage, "not found") {
		t.Errorf("describing nobody: %+v", got)
	}
	if got := c.describeConsumers(""); got.ErrorCode != protocol.ErrInvalidGroupID.Code || got.ErrorMessage != nil {
		t.Errorf("describing a group without a name: %+v", got)
	}
	wrong := joining("g", "", "t")
	if p := c.beat(wrong); p.ErrorCode != protocol.ErrInvalidRequest.Code || *p.ErrorMessage != "MemberId can't be empty." {
		t.Errorf("without a member id: %+v", p)
	}
	wrong.SetVersion(0)
	if p := c.beat(wrong); p.ErrorCode != 0 || *p.MemberID == "" {
		t.Errorf("version 0 without a member id: %+v", p)
	}
}

// A pattern is resolved on a goroutine of its own; the member has its topics with
// a later heartbeat.
func TestAPatternFindsItsTopics(t *testing.T) {
	b := mustOpen(t, vfs.NewMem(), "num.partitions=1", "barnabas.group.regex.max.bytes=20")
	defer mustClose(t, b)
	c := dial(t, b)
	c.coordinator()
	c.topic("logs-a")
	c.topic("other")
	q := joining("g", "a")
	q.SubscribedTopicNames = nil
	long := strings.Repeat("x", 21)
	for _, pattern := range []string{"(", long} {
		q.SubscribedTopicRegex = &pattern
		if p := c.beat(q); p.ErrorCode != protocol.ErrInvalidRegularExpression.Code {
			t.Errorf("%q: %+v", pattern, p)
		}
	}
	pattern := "logs-.*"
	q.SubscribedTopicRegex = &pattern
	c.mustBeat(q)
	for end := time.Now().Add(10 * time.Second); ; { // the answer comes from another goroutine
		p := c.mustBeat(q)
		if len(p.Assignment.Topics) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the pattern stands for nothing")
		}
	}
	if d := c.describeConsumers("g"); *d.Members[0].SubscribedTopicRegex != pattern || d.Members[0].Assignment.TopicPartitions[0].Topic != "logs-a" {
		t.Errorf("described: %+v", d.Members[0])
	}
}

// Settings of one group act without a restart.
func TestSettingsOfAGroupAct(t *testing.T) {
	b := mustOpen(t, vfs.NewMem())
	defer mustClose(t, b)
	c := dial(t, b)
	c.coordinator()
	c.topic("t")
	q := joining("g", "a", "t")
	c.mustBeat(q)
	alter := kmsg.NewPtrIncrementalAlterConfigsRequest()
	alter.SetVersion(1)
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeGroupConfig, "g"
	one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	value := "7000"
	one.Name, one.Value = "consumer.heartbeat.interval.ms", &value
	r.Configs = append(r.Configs, one)
	alter.Resources = append(alter.Resources, r)
	if p := c.ask(alter).(*kmsg.IncrementalAlterConfigsResponse).Resources[0]; p.ErrorCode != 0 {
		t.Fatalf("altering: %d %s", p.ErrorCode, *p.ErrorMessage)
	}
	if p := c.mustBeat(q); p.HeartbeatIntervalMillis != 7000 {
		t.Errorf("the group is told to speak every %d ms", p.HeartbeatIntervalMillis)
	}
	if p := c.mustBeat(joining("other", "a", "t")); p.HeartbeatIntervalMillis != 1000 {
		t.Errorf("another group is told to speak every %d ms", p.HeartbeatIntervalMillis)
	}
}

func TestTheConsumerProtocolCanBeTurnedOff(t *testing.T) {
	b := mustOpen(t, vfs.NewMem(), "group.coordinator.rebalance.protocols=classic")
	defer mustClose(t, b)
	c := dial(t, b)
	c.coordinator()
	if p := c.beat(joining("g", "a", "t")); p.ErrorCode != protocol.ErrUnsupportedVersion.Code {
		t.Errorf("joining: %+v", p)
	}
	if d := c.describeConsumers("g"); d.ErrorCode != protocol.ErrUnsupportedVersion.Code {
		t.Errorf("describing: %+v", d)
	}
}

// After a kill every member goes on with its next heartbeat.
func TestAConsumerGroupOutlivesAKill(t *testing.T) {
	files := vfs.NewMem()
	b := mustOpen(t, files, "num.partitions=2")
	c := dial(t, b)
	c.coordinator()
	c.topic("t")
	q := joining("g", "a", "t")
	c.mustBeat(q)
	killed := files.CrashCopy(vfs.CrashKeepAll, nil)
	mustClose(t, b)

	b = mustOpen(t, killed, "num.partitions=2")
	defer mustClose(t, b)
	c = dial(t, b)
	short := &kmsg.ConsumerGroupHeartbeatRequest{Version: 1, Group: "g", MemberID: "a", MemberEpoch: q.MemberEpoch, RebalanceTimeoutMillis: -1}
	if p := c.mustBeat(short); p.MemberEpoch != q.MemberEpoch || p.Assignment != nil {
		t.Errorf("after the kill: %+v", p)
	}
}
