package api

// Metadata (key 3), versions 0 to 13.
//
// Lists brokers and topics. A topic that is named, does not exist and may be
// created (auto.create.topics.enable, and the client's leave) is created and
// answered at once; Kafka answers UNKNOWN_TOPIC_OR_PARTITION the first time and
// clients ask again, so the difference is one round trip less.
//
//	v0     an empty list means all topics
//	v1     null means all topics, empty none; rack, controller, is_internal
//	v2     cluster id
//	v4     the client may forbid creation; before, it is allowed
//	v5     offline replicas
//	v7     leader epoch
//	v8     authorized operations of topics, and to v10 of the cluster, on request
//	v10    topic ids; a request by id or with a null name is INVALID_REQUEST before v12
//	v12    topics may be asked for by id; then names do not count. A topic with neither
//	       name nor id is UNKNOWN_SERVER_ERROR
//	v13    top-level error code

import (
	"errors"
	"maps"
	"math"
	"slices"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var metadataEntry = byHand[*kmsg.MetadataRequest](kmsg.Metadata, 0, 13, (*API).metadata).needs(
	need{auth.Describe, auth.Topic}, need{auth.Create, auth.Cluster}, need{auth.Create, auth.Topic}, need{auth.Describe, auth.Cluster})

// operationsNotAsked is what the authorized operations are when nobody asked.
const operationsNotAsked = math.MinInt32

// metadataAnswer is what of an answer does not depend on the topics.
type metadataAnswer struct {
	start      protocol.MetadataStart
	operations int32 // of the cluster
	version    int16
	topic      topicForm
}

// topicForm is what the form of a topic in an answer depends on.
type topicForm struct {
	version    int16
	operations int32
}

func (a *API) metadata(r *Request, body []byte) (func([]byte) []byte, error) {
	version := r.Header.Version
	var q protocol.MetadataRequest
	if err := q.Decode(version, body, r.decodedMax); err != nil {
		return nil, err
	}
	image := a.Metadata.Image()
	answer := metadataAnswer{version: version, operations: operationsNotAsked, topic: topicForm{version, operationsNotAsked}}
	answer.start.ClusterID, answer.start.Controller = image.ClusterID(), a.Cluster.Self(r.Call.Conn).NodeID
	for _, e := range a.Cluster.Brokers(r.Call.Conn) {
		answer.start.Brokers = append(answer.start.Brokers, nodeEndpoint(e))
	}
	if q.ClusterOperations {
		answer.operations = a.clusterOperations(r)
	}
	if q.TopicOperations {
		answer.topic.operations = allTopicOperations
	}
	if q.All && a.Access != nil {
		return a.metadataOfVisible(r, image, answer), nil
	}
	if q.All {
		topics := a.allTopics.of(image, answer.topic)
		return func(dst []byte) []byte {
			dst = protocol.AppendMetadataStart(slices.Grow(dst, 1024+len(topics)), version, &answer.start, image.TopicCount())
			return protocol.AppendMetadataEnd(append(dst, topics...), version, answer.operations, 0)
		}, nil
	}
	return a.metadataOfNamed(r, image, &q, answer), nil
}

func nodeEndpoint(e Endpoint) protocol.NodeEndpoint {
	n := protocol.NodeEndpoint{NodeID: e.NodeID, Host: e.Host, Port: e.Port}
	if e.Rack != nil {
		n.Rack = *e.Rack
	}
	return n
}

// allTopicsBytesMax bounds what is kept of the last answer about all topics: those of
// 200,000 topics of one partition.
const allTopicsBytesMax = 16 << 20

// allTopics keeps the topics of the last answer about all of them. Tools and consumers
// of patterns ask for all again and again, and topics seldom change.
type allTopics struct{ last atomic.Pointer[encodedTopics] }

// encodedTopics are the topics of an image in the form of an answer.
type encodedTopics struct {
	end   protocol.Offset // of the image: no two images of a process have the same
	form  topicForm
	bytes []byte
}

// of is all topics of the image, not to be changed.
func (l *allTopics) of(image *metadata.Image, form topicForm) []byte {
	if last := l.last.Load(); last != nil && last.end == image.EndOffset() && last.form == form {
		return last.bytes
	}
	var b []byte
	for t := range image.Topics() {
		b = form.appendTopic(b, t)
	}
	if len(b) <= allTopicsBytesMax {
		l.last.Store(&encodedTopics{image.EndOffset(), form, b})
	}
	return b
}

// namedTopic is a topic of an answer: one that exists, or why it does not.
type namedTopic struct {
	found      *metadata.Topic
	key        protocol.MetadataTopicKey
	code       int16
	operations int32 // not asked for where it is denied
}

// createMissing makes the topics that do not exist and that the client may make, as whoever
// may make topics of the cluster does, or those of the name. It gives the image to answer
// from and, by name, why a topic is not there.
func (a *API) createMissing(r *Request, image *metadata.Image, named []protocol.MetadataTopicKey) (*metadata.Image, map[string]error) {
	var missing []string
	denied := make(map[string]error)
	for _, t := range named {
		if t.Name == nil || image.TopicBytes(t.Name) != nil || !a.mayBytes(r, auth.Describe, auth.Topic, t.Name) {
			continue
		}
		name := string(t.Name)
		if a.maySee(r, auth.Create, auth.Cluster, auth.ClusterName) || a.may(r, auth.Create, auth.Topic, name) {
			missing = append(missing, name)
			continue
		}
		denied[name] = errTopicDenied
	}
	if len(missing) == 0 {
		return image, denied
	}
	a.wait(r)
	image, problems := a.autoCreate(missing, r.charge.forNamedTopics())
	maps.Copy(problems, denied)
	return image, problems
}

// mayDescribe asks about the name of a topic; an id that nobody knows is not denied but
// unknown.
func (a *API) mayDescribe(r *Request, t namedTopic) bool {
	switch {
	case t.key.Name != nil:
		return a.mayBytes(r, auth.Describe, auth.Topic, t.key.Name)
	case t.found != nil:
		return a.may(r, auth.Describe, auth.Topic, t.found.Name)
	}
	return true
}

// metadataOfVisible answers for all topics that the client may see.
func (a *API) metadataOfVisible(r *Request, image *metadata.Image, answer metadataAnswer) func([]byte) []byte {
	var topics []namedTopic
	for t := range image.Topics() {
		if a.maySee(r, auth.Describe, auth.Topic, t.Name) {
			topics = append(topics, namedTopic{found: t, operations: a.topicOperations(r, answer.topic.operations, t.Name)})
		}
	}
	return answer.of(topics)
}

// metadataOfNamed answers for the topics that the request names.
func (a *API) metadataOfNamed(r *Request, image *metadata.Image, q *protocol.MetadataRequest, answer metadataAnswer) func([]byte) []byte {
	version := answer.version
	for _, t := range q.Topics {
		if version < 12 && (t.Name == nil || version >= 10 && !t.ID.IsZero()) {
			return answer.refuseAll(q, protocol.ErrInvalidRequest)
		}
	}
	named := askedFor(q.Topics)
	for _, t := range named {
		if t.Name == nil && t.ID.IsZero() {
			return answer.refuseAll(q, protocol.ErrUnknownServerError) // Kafka does not expect it
		}
	}
	var problems map[string]error
	if q.MayCreate && a.Config().AutoCreateTopics {
		image, problems = a.createMissing(r, image, named)
	}
	topics := make([]namedTopic, 0, len(named))
	answered := newAnsweredOnce(len(named))
	for _, t := range named { // Kafka answers once for what is asked for twice
		if answered.before(t) {
			continue
		}
		one := namedTopic{key: t, operations: operationsNotAsked}
		if t.Name == nil {
			one.found = image.TopicByID(t.ID)
		} else {
			one.found = image.TopicBytes(t.Name)
		}
		switch {
		case !a.mayDescribe(r, one):
			one.code, one.found = errTopicDenied.Code, nil
		case one.found == nil:
			if t.Name != nil && problems[string(t.Name)] == errTopicDenied { // may be described, and not made
				one.code = errTopicDenied.Code
			} else if one.code = missingCode(t, problems); t.Name != nil {
				one.operations = a.topicOperations(r, answer.topic.operations, string(t.Name))
			}
		default:
			one.operations = a.topicOperations(r, answer.topic.operations, one.found.Name)
		}
		topics = append(topics, one)
	}
	return answer.of(topics)
}

func (m metadataAnswer) of(topics []namedTopic) func([]byte) []byte {
	return func(dst []byte) []byte {
		dst = protocol.AppendMetadataStart(dst, m.version, &m.start, len(topics))
		for i := range topics {
			if t := &topics[i]; t.found != nil {
				dst = topicForm{m.version, t.operations}.appendTopic(dst, t.found)
			} else {
				dst = appendNoTopic(dst, m.version, t.key, t.code, t.operations)
			}
		}
		return protocol.AppendMetadataEnd(dst, m.version, m.operations, 0)
	}
}

// answeredOnce remembers what was answered for, where there is more than one topic.
type answeredOnce struct {
	names map[string]bool
	ids   map[protocol.UUID]bool
}

func newAnsweredOnce(topics int) (a answeredOnce) {
	if topics > 1 {
		a.names, a.ids = make(map[string]bool, topics), make(map[protocol.UUID]bool)
	}
	return a
}

func (a answeredOnce) before(t protocol.MetadataTopicKey) bool {
	switch {
	case a.names == nil:
		return false
	case t.Name == nil:
		known := a.ids[t.ID]
		a.ids[t.ID] = true
		return known
	case a.names[string(t.Name)]:
		return true
	}
	a.names[string(t.Name)] = true
	return false
}

// askedFor is what of a list counts: where a topic has an id, names do not, neither
// its own, which Java's consumer sends empty, nor those of others (Kafka's
// KafkaApis.handleTopicMetadataRequest).
func askedFor(topics []protocol.MetadataTopicKey) []protocol.MetadataTopicKey {
	var byID []protocol.MetadataTopicKey
	for _, t := range topics {
		if !t.ID.IsZero() {
			t.Name = nil
			byID = append(byID, t)
		}
	}
	if byID == nil {
		return topics
	}
	return byID
}

// refuseAll answers a request that cannot be understood: with nothing but the error
// (MetadataRequest.getErrorResponse).
func (m metadataAnswer) refuseAll(q *protocol.MetadataRequest, why *protocol.Error) func([]byte) []byte {
	return func(dst []byte) []byte {
		nothing := protocol.MetadataStart{Controller: protocol.None}
		dst = protocol.AppendMetadataStart(dst, m.version, &nothing, len(q.Topics))
		for _, t := range q.Topics {
			if t.Name == nil {
				t.Name = []byte{}
			}
			dst = appendNoTopic(dst, m.version, t, why.Code, operationsNotAsked)
		}
		return protocol.AppendMetadataEnd(dst, m.version, m.operations, why.Code)
	}
}

// missingCode is why a topic that was asked for is not there.
func missingCode(t protocol.MetadataTopicKey, problems map[string]error) int16 {
	if t.Name == nil {
		return protocol.ErrUnknownTopicID.Code
	}
	name := string(t.Name)
	switch {
	case metadata.ValidateTopicName(name) != nil:
		return protocol.ErrInvalidTopicException.Code
	case problems[name] != nil && !errors.Is(problems[name], metadata.ErrInvalidTopicName):
		return codeOf(problems[name])
	}
	// A name that collides with another is as unknown as before, as with Kafka.
	return protocol.ErrUnknownTopicOrPartition.Code
}

func appendNoTopic(dst []byte, version int16, t protocol.MetadataTopicKey, code int16, operations int32) []byte {
	one := protocol.MetadataTopic{ErrorCode: code, ID: t.ID}
	if t.Name != nil {
		name := string(t.Name)
		one.Name = &name
	}
	return protocol.AppendMetadataTopicEnd(protocol.AppendMetadataTopic(dst, version, &one), version, operations)
}

func (f topicForm) appendTopic(dst []byte, t *metadata.Topic) []byte {
	dst = protocol.AppendMetadataTopic(dst, f.version, &protocol.MetadataTopic{
		Name: &t.Name, ID: t.ID, Internal: isInternalTopic(t.Name), Partitions: len(t.Partitions),
	})
	for i := range t.Partitions {
		p := &t.Partitions[i]
		one := protocol.MetadataPartition{
			Index: p.Index, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch, Replicas: p.Replicas, ISR: p.ISR,
		}
		if p.Leader < 0 {
			one.ErrorCode = protocol.ErrLeaderNotAvailable.Code
		}
		dst = protocol.AppendMetadataPartition(dst, f.version, &one)
	}
	return protocol.AppendMetadataTopicEnd(dst, f.version, f.operations)
}
