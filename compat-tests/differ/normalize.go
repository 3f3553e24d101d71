package differ

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/schema"
)

// What two brokers that behave alike may answer differently:
//
//   - ids that a broker draws (topic ids, member ids, producer ids, fetch
//     sessions, the cluster id) become symbols in order of first appearance, so
//     that the same id in two answers must be the same on both sides;
//   - host, port and folder names become fixed symbols, null and empty excepted;
//     so does the epoch of the finalized features, unless it is negative;
//   - times that lie within the story become "<now>", others compare exactly;
//   - texts of error messages and documentation become "<text>", null and empty excepted;
//   - throttle times are dropped, and so are the fields that a story declares to
//     depend on a race;
//   - arrays of structs whose order means nothing are sorted;
//   - message sets become the messages that can be told whole, see messages.go;
//   - topics and groups of other stories are dropped from lists.
type normalizer struct {
	prefix  string
	began   time.Time
	ended   time.Time
	symbols map[string]string
	counts  map[string]int
	// dropped are the fields that the exchange at hand does not compare.
	dropped []string
	// inMessageSets is set while the answer at hand has formats before 2.
	inMessageSets bool
	// from is as in exchange.
	from int64
	// flatFetch is as in Story.
	flatFetch bool
	// unordered is as in Story.
	unordered []string
	// peeking is set while elements are put in order: no new symbols then.
	peeking bool
}

// fetchBatches is the first version of Fetch whose answers hold batches.
const fetchBatches = 4

func newNormalizer(prefix string, began time.Time) *normalizer {
	return &normalizer{prefix: prefix, began: began, ended: time.Now(), symbols: map[string]string{}, counts: map[string]int{}}
}

func (n *normalizer) transcript(in []exchange) []exchange {
	out := make([]exchange, len(in))
	for i, x := range in {
		out[i] = x
		if x.answer != nil {
			n.dropped = x.racing
			n.from = x.from
			n.inMessageSets = x.asked.key == int16(kmsg.Fetch) && x.asked.version < fetchBatches
			out[i].answer = n.structure(x.api, x.answer)
		}
	}
	return out
}

func (n *normalizer) structure(path string, s *schema.Struct) *schema.Struct {
	out := &schema.Struct{}
	for _, f := range s.Fields {
		if f.Name == "ThrottleTimeMs" || slices.Contains(n.dropped, f.Name) {
			continue
		}
		out.Fields = append(out.Fields, schema.Field{Name: f.Name, Value: n.value(join(path, f.Name), f.Name, f.Value)})
	}
	return out
}

func (n *normalizer) value(path, name string, v any) any {
	switch v := v.(type) {
	case *schema.Struct:
		return n.structure(path, v)
	case []any:
		return n.array(path, name, v)
	case schema.Records:
		if n.inMessageSets || isMessageSet(v) {
			return n.value(path, name, decodeMessages(v, n.from))
		}
		return n.value(path, name, decodeRecords(v))
	case schema.UUID:
		if v.IsZero() {
			return v
		}
		if v == unknownID {
			return "<unknown id>"
		}
		return n.symbol("id", v.String())
	case string:
		return n.text(name, v)
	case int64:
		return n.number(name, v)
	}
	return v
}

// ordered are the arrays whose order a client can rely on, by path from the API
// or by name alone.
var ordered = map[string]bool{
	"Fetch.Responses": true, "Fetch.Responses.Partitions": true, // the order of the request
	"DescribeTopicPartitions.Topics": true, // by name, for pages
	"Synonyms":                       true, // most specific first
	"Batches":                        true, "Records": true, "Headers": true, "Messages": true,
}

// hashed are arrays of numbers or texts that Kafka takes out of a hash map.
var hashed = map[string]bool{
	"DescribeTransactions.TransactionStates.Topics.Partitions":  true,
	"ConsumerGroupDescribe.Groups.Members.SubscribedTopicNames": true, "ShareGroupDescribe.Groups.Members.SubscribedTopicNames": true,
}

func (n *normalizer) array(path, name string, in []any) any {
	if n.flatFetch && path == "Fetch.Responses" {
		return n.fetched(in)
	}
	kept := make([]any, 0, len(in))
	for _, e := range in {
		if !n.isForeign(e) {
			kept = append(kept, e)
		}
	}
	if hashed[path] {
		slices.SortFunc(kept, func(a, b any) int { return cmp.Compare(schema.Render(a), schema.Render(b)) })
	}
	isSet := len(kept) > 0 && (!ordered[path] && !ordered[name] || slices.Contains(n.unordered, path))
	if isSet {
		_, isSet = kept[0].(*schema.Struct)
	}
	if isSet {
		sort.SliceStable(kept, func(i, j int) bool { return n.sortKey(path, kept[i]) < n.sortKey(path, kept[j]) })
	}
	for i, e := range kept {
		kept[i] = n.value(path, name, e)
	}
	if isSet {
		return schema.Set(kept)
	}
	return kept
}

// fetched are the partitions of an answer to Fetch, each with its topic, by name. The
// ids of the topics must have been seen before.
func (n *normalizer) fetched(topics []any) any {
	partitions := schema.Set{}
	for _, topic := range topics {
		t := topic.(*schema.Struct)
		name := schema.Render(n.value("", "Topic", t.Get("Topic")))
		if id, ok := t.Get("TopicId").(schema.UUID); ok {
			name = schema.Render(n.value("", "TopicId", id))
		}
		for _, partition := range t.Get("Partitions").([]any) {
			p := n.structure("Fetch.Responses.Partitions", partition.(*schema.Struct))
			at := schema.Field{Name: "Name", Value: fmt.Sprintf("%s-%v", name, p.Get("PartitionIndex"))}
			p.Fields = append([]schema.Field{at}, p.Fields...)
			partitions = append(partitions, p)
		}
	}
	sort.SliceStable(partitions, func(i, j int) bool { return identify(partitions[i]) < identify(partitions[j]) })
	return partitions
}

// storyName is how every topic and group of a story begins.
var storyName = regexp.MustCompile(`^d\d+-`)

// isForeign tells whether a list element belongs to another story or to the
// broker itself.
func (n *normalizer) isForeign(e any) bool {
	s, ok := e.(*schema.Struct)
	if !ok {
		return false
	}
	for _, field := range []string{"Name", "Topic", "TopicName", "GroupId", "ResourceName", "TransactionalId"} {
		if name, ok := s.Get(field).(string); ok {
			return storyName.MatchString(name) && !strings.HasPrefix(name, n.prefix) || strings.HasPrefix(name, "__")
		}
	}
	return false
}

// identity are the fields that tell list elements apart, most telling first.
var identity = []string{"Name", "Topic", "TopicName", "GroupId", "ResourceName", "TransactionalId", "ApiKey", "Key", "PartitionIndex", "Partition", "NodeId", "BrokerId", "GroupInstanceId"}

// sortKey orders list elements without looking at values that differ between
// brokers: the identifying fields first, then the rest with ids known so far as
// their symbols and new ones masked.
func (n *normalizer) sortKey(path string, e any) string {
	wasPeeking := n.peeking
	n.peeking = true
	defer func() { n.peeking = wasPeeking }()
	s := n.structure(path, e.(*schema.Struct))
	var key strings.Builder
	for _, name := range identity {
		switch v := s.Get(name).(type) {
		case nil:
		case int64:
			fmt.Fprintf(&key, "%020d ", v)
		default:
			key.WriteString(schema.Render(v) + " ")
		}
	}
	key.WriteString(schema.Render(s))
	return key.String()
}

// symbol names a value by kind and order of first appearance.
func (n *normalizer) symbol(kind, value string) string {
	key := kind + " " + value
	if s, ok := n.symbols[key]; ok {
		return s
	}
	if n.peeking {
		return "<" + kind + ">"
	}
	n.counts[kind]++
	s := fmt.Sprintf("<%s %d>", kind, n.counts[kind])
	n.symbols[key] = s
	return s
}

// uuidText is an id inside a member id.
var uuidText = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// javaUUID is an id as Kafka prints them: the member of a consumer group to whom the
// broker gave one.
var javaUUID = regexp.MustCompile(`^[0-9A-Za-z_-]{22}$`)

func (n *normalizer) text(name, v string) string {
	if v == "" {
		return v
	}
	switch name {
	case "ErrorMessage", "AcknowledgeErrorMessage", "BatchIndexErrorMessage", "Documentation":
		return "<text>"
	case "Host", "ClientHost":
		return "<host>"
	case "LogDir":
		return "<folder>"
	case "ClusterId":
		return "<cluster>"
	}
	if name == "MemberId" && javaUUID.MatchString(v) {
		return n.symbol("uuid", v)
	}
	return uuidText.ReplaceAllStringFunc(v, func(id string) string { return n.symbol("uuid", id) })
}

func (n *normalizer) number(name string, v int64) any {
	switch {
	case name == "Port" && v > 0:
		return "<port>"
	case name == "SessionId" && v != 0:
		return n.symbol("session", fmt.Sprint(v))
	case name == "ProducerId" && v >= 0:
		return n.symbol("producer", fmt.Sprint(v))
	case name == "FinalizedFeaturesEpoch" && v >= 0:
		return "<epoch>" // an offset of the metadata log
	case (name == "TotalBytes" || name == "UsableBytes") && v >= 0:
		return "<bytes>"
	case strings.Contains(name, "Time") && n.isNow(v):
		return "<now>"
	}
	return v
}

// clockSlack covers a broker that stamps with a coarser clock.
const clockSlack = time.Second

func (n *normalizer) isNow(millis int64) bool {
	at := time.UnixMilli(millis)
	return at.After(n.began.Add(-clockSlack)) && at.Before(n.ended.Add(clockSlack))
}
