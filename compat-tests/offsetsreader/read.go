package offsetsreader

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

const offsetsTopic = "__consumer_offsets"

// Kinds of records in __consumer_offsets, by the number that begins a key.
const (
	kindOffsetOld         = 0
	kindOffset            = 1
	kindClassicGroup      = 2
	kindGroup             = 3
	kindPartitionMetadata = 4
	kindMember            = 5
	kindTarget            = 6
	kindTargetMember      = 7
	kindCurrentMember     = 8
	kindRegex             = 16
)

// record is one key with its last value; both are decoded.
type record struct {
	kind       int16
	key, value *schema.Struct
}

// log is what is left of the topic when each key has its last value.
type log struct {
	records map[string]record
	// read counts the records by kind, tombstones included.
	read map[int16]int
}

// catalogs are the schemas of the records, and of what classic members put into them.
type catalogs struct{ records, embedded *schema.Catalog }

func newCatalogs() (catalogs, error) {
	parse := func(schemas func(string) (map[string][]byte, error)) (*schema.Catalog, error) {
		files, err := schemas(oracle.Newest)
		if err != nil {
			return nil, err
		}
		return schema.Parse(files)
	}
	records, err := parse(oracle.GroupSchemas)
	if err != nil {
		return catalogs{}, err
	}
	embedded, err := parse(oracle.Schemas)
	return catalogs{records, embedded}, err
}

// decode reads a number that names a message and then the message, to the last byte.
func (c catalogs) key(b []byte) (kind int16, key *schema.Struct, err error) {
	if len(b) < 2 {
		return 0, nil, fmt.Errorf("a key of %d bytes", len(b))
	}
	kind = int16(binary.BigEndian.Uint16(b))
	message := c.records.RecordKey(kind)
	if message == nil {
		return 0, nil, fmt.Errorf("a key of unknown kind %d", kind)
	}
	key, err = message.Decode(0, b[2:])
	return kind, key, err
}

func (c catalogs) value(kind int16, b []byte) (*schema.Struct, error) {
	return versioned(c.records.RecordValue(kind), b)
}

func versioned(message *schema.Message, b []byte) (*schema.Struct, error) {
	if message == nil || len(b) < 2 {
		return nil, fmt.Errorf("%d bytes of an unknown message", len(b))
	}
	version := int16(binary.BigEndian.Uint16(b))
	if !message.Versions.Has(version) {
		return nil, fmt.Errorf("%s version %d", message.Name, version)
	}
	return message.Decode(version, b[2:])
}

// readLog reads the topic from its start to its present end. Every record must decode.
func readLog(ctx context.Context, bootstrap string) (*log, error) {
	c, err := newCatalogs()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(offsetsTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.KeepControlRecords()) // so that a marker at the end counts as read
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, offsetsTopic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	left := 0
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left++
		}
	})
	l := &log{records: map[string]record{}, read: map[int16]int{}}
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, r := range fetches.Records() {
			if !r.Attrs.IsControl() {
				if err := l.add(c, r); err != nil {
					return nil, fmt.Errorf("partition %d offset %d: %w (key %x, value %x)", r.Partition, r.Offset, err, r.Key, r.Value)
				}
			}
			if end, _ := ends.Lookup(offsetsTopic, r.Partition); r.Offset == end.Offset-1 {
				left--
			}
		}
	}
	return l, nil
}

func (l *log) add(c catalogs, r *kgo.Record) error {
	kind, key, err := c.key(r.Key)
	if err != nil {
		return err
	}
	l.read[kind]++
	if r.Value == nil {
		delete(l.records, string(r.Key))
		return nil
	}
	value, err := c.value(kind, r.Value)
	if err != nil {
		return err
	}
	if kind == kindClassicGroup {
		if err := c.embed(value); err != nil {
			return err
		}
	}
	l.records[string(r.Key)] = record{kind, key, value}
	return nil
}

// embed replaces the bytes that classic members of consumers put into a group by what they mean.
func (c catalogs) embed(group *schema.Struct) error {
	if group.Get("protocolType") != "consumer" {
		return nil
	}
	for _, member := range group.Get("members").([]any) {
		fields := member.(*schema.Struct).Fields
		for i, f := range fields {
			name, ok := map[string]string{"subscription": "ConsumerProtocolSubscription", "assignment": "ConsumerProtocolAssignment"}[f.Name]
			content, _ := f.Value.([]byte)
			if !ok || len(content) == 0 {
				continue
			}
			decoded, err := versioned(c.embedded.Data(name), content)
			if err != nil {
				return err
			}
			fields[i].Value = decoded
		}
	}
	return nil
}

// lines tell of offsets and members what an admin client can be told as well.
func (l *log) lines() []string {
	var lines []string
	for _, r := range l.records {
		lines = append(lines, r.lines()...)
	}
	slices.Sort(lines)
	return lines
}

func (r record) lines() []string {
	get, member := r.value.Get, func() string { return fmt.Sprintf("%v member %v", r.key.Get("GroupId"), r.key.Get("MemberId")) }
	switch r.kind {
	case kindOffsetOld, kindOffset:
		return []string{fmt.Sprintf("%v offset of %v %v: %v epoch %v %q", r.key.Get("group"), r.key.Get("topic"), r.key.Get("partition"),
			get("offset"), get("leaderEpoch"), get("metadata"))}
	case kindClassicGroup:
		return classicLines(fmt.Sprint(r.key.Get("group")), r.value)
	case kindGroup:
		return []string{fmt.Sprintf("%v epoch %v", r.key.Get("GroupId"), get("Epoch"))}
	case kindMember:
		// Kafka takes a member whose record does not say that it is none of the classic protocol for one: the default of
		// the tagged field is a struct, not null (ConsumerGroupMemberMetadataValue of 4.3.1).
		_, consumer := get("ClassicMemberMetadata").(schema.Null)
		return []string{fmt.Sprintf("%s: %s instance %s, client %v at %v, topics %v, pattern %q", member(), memberType(consumer), text(get("InstanceId")),
			get("ClientId"), get("ClientHost"), get("SubscribedTopicNames"), text(get("SubscribedTopicRegex")))}
	case kindTarget:
		return []string{fmt.Sprintf("%v target epoch %v", r.key.Get("GroupId"), get("AssignmentEpoch"))}
	case kindTargetMember:
		return []string{member() + " target" + partitionsByID(get("TopicPartitions"))}
	case kindCurrentMember:
		return []string{fmt.Sprintf("%s has epoch %v,%s", member(), get("MemberEpoch"), partitionsByID(get("AssignedPartitions")))}
	}
	return nil // partition metadata and resolved patterns: no admin request tells of them
}

func classicLines(group string, value *schema.Struct) []string {
	lines := []string{fmt.Sprintf("%s classic, type %v, protocol %s", group, value.Get("protocolType"), text(value.Get("protocol")))}
	for _, m := range value.Get("members").([]any) {
		get := m.(*schema.Struct).Get
		line := fmt.Sprintf("%s member %v: instance %s, client %v at %v,", group, get("memberId"), text(get("groupInstanceId")), get("clientId"), get("clientHost"))
		if assignment, ok := get("assignment").(*schema.Struct); ok {
			line += partitionsByName(assignment.Get("AssignedPartitions"))
		}
		lines = append(lines, line)
	}
	return lines
}

func memberType(consumer bool) string {
	if consumer {
		return "consumer"
	}
	return "classic"
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return ""
}

func partitionsByID(v any) string {
	var parts []string
	for _, t := range v.([]any) {
		get := t.(*schema.Struct).Get
		parts = append(parts, fmt.Sprintf(" %v %v", get("TopicId"), get("Partitions")))
	}
	slices.Sort(parts)
	return fmt.Sprint(parts)
}

func partitionsByName(v any) string {
	var parts []string
	for _, t := range v.([]any) {
		get := t.(*schema.Struct).Get
		parts = append(parts, fmt.Sprintf(" %v %v", get("Topic"), get("Partitions")))
	}
	slices.Sort(parts)
	return fmt.Sprint(parts)
}
