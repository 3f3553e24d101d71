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
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var metadataEntry = now(0, 13, (*API).metadata)

// operationsNotAsked is what the authorized operations are when nobody asked.
const operationsNotAsked = math.MinInt32

func (a *API) metadata(r *Request, q *kmsg.MetadataRequest) *kmsg.MetadataResponse {
	p := q.ResponseKind().(*kmsg.MetadataResponse)
	image := a.Metadata.Image()
	cluster := image.ClusterID()
	p.ClusterID = &cluster
	p.ControllerID = a.Cluster.Self(r.Call.Conn).NodeID
	for _, e := range a.Cluster.Brokers(r.Call.Conn) {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port, b.Rack = e.NodeID, e.Host, e.Port, e.Rack
		p.Brokers = append(p.Brokers, b)
	}
	p.AuthorizedOperations = operationsNotAsked
	if q.IncludeClusterAuthorizedOperations {
		p.AuthorizedOperations = operationsOfCluster
	}
	p.Topics = []kmsg.MetadataResponseTopic{}
	if q.Topics == nil || q.Version == 0 && len(q.Topics) == 0 {
		p.Topics = make([]kmsg.MetadataResponseTopic, 0, image.TopicCount())
		for t := range image.Topics() {
			p.Topics = append(p.Topics, describeTopic(t, q))
		}
		return p
	}
	a.metadataOfNamed(r, image, q, p)
	return p
}

// metadataOfNamed answers for the topics that the request names.
func (a *API) metadataOfNamed(r *Request, image *metadata.Image, q *kmsg.MetadataRequest, p *kmsg.MetadataResponse) {
	for _, t := range q.Topics {
		if q.Version < 12 && (t.Topic == nil || q.Version >= 10 && t.TopicID != [16]byte{}) {
			refuseAll(q, p, protocol.ErrInvalidRequest)
			return
		}
	}
	named := askedFor(q.Topics)
	for _, t := range named {
		if t.Topic == nil && t.TopicID == [16]byte{} {
			refuseAll(q, p, protocol.ErrUnknownServerError) // Kafka does not expect it
			return
		}
	}
	mayCreate := (q.Version < 4 || q.AllowAutoTopicCreation) && a.Config().AutoCreateTopics
	var missing []string
	for _, t := range named {
		if t.Topic != nil && image.Topic(*t.Topic) == nil {
			missing = append(missing, *t.Topic)
		}
	}
	problems := make(map[string]error)
	if mayCreate && len(missing) > 0 {
		a.wait(r)
		image, problems = a.autoCreate(missing)
	}
	answered, answeredIDs := make(map[string]bool, len(named)), make(map[protocol.UUID]bool)
	for _, t := range named { // Kafka answers once for what is asked for twice
		var found *metadata.Topic
		if t.Topic == nil {
			if answeredIDs[t.TopicID] {
				continue
			}
			answeredIDs[t.TopicID] = true
			found = image.TopicByID(t.TopicID)
		} else {
			if answered[*t.Topic] {
				continue
			}
			answered[*t.Topic] = true
			found = image.Topic(*t.Topic)
		}
		if found != nil {
			p.Topics = append(p.Topics, describeTopic(found, q))
			continue
		}
		p.Topics = append(p.Topics, missingTopic(t, problems))
	}
}

// askedFor is what of a list counts: where a topic has an id, names do not, neither
// its own, which Java's consumer sends empty, nor those of others (Kafka's
// KafkaApis.handleTopicMetadataRequest).
func askedFor(topics []kmsg.MetadataRequestTopic) []kmsg.MetadataRequestTopic {
	var byID []kmsg.MetadataRequestTopic
	for _, t := range topics {
		if t.TopicID != [16]byte{} {
			t.Topic = nil
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
func refuseAll(q *kmsg.MetadataRequest, p *kmsg.MetadataResponse, why *protocol.Error) {
	p.Brokers, p.ClusterID, p.ControllerID = []kmsg.MetadataResponseBroker{}, nil, protocol.None
	p.ErrorCode = why.Code // from version 13 on
	for _, t := range q.Topics {
		one := kmsg.NewMetadataResponseTopic()
		one.Topic, one.TopicID = t.Topic, t.TopicID
		if one.Topic == nil {
			one.Topic = new(string)
		}
		one.ErrorCode = why.Code
		one.Partitions = []kmsg.MetadataResponseTopicPartition{}
		p.Topics = append(p.Topics, one)
	}
}

func missingTopic(t kmsg.MetadataRequestTopic, problems map[string]error) kmsg.MetadataResponseTopic {
	one := kmsg.NewMetadataResponseTopic()
	one.Topic, one.TopicID = t.Topic, t.TopicID
	one.Partitions = []kmsg.MetadataResponseTopicPartition{}
	switch {
	case t.Topic == nil:
		one.ErrorCode = protocol.ErrUnknownTopicID.Code
	case metadata.ValidateTopicName(*t.Topic) != nil:
		one.ErrorCode = protocol.ErrInvalidTopicException.Code
	case problems[*t.Topic] != nil && !errors.Is(problems[*t.Topic], metadata.ErrInvalidTopicName):
		one.ErrorCode = codeOf(problems[*t.Topic])
	default: // a name that collides with another is as unknown as before, as with Kafka
		one.ErrorCode = protocol.ErrUnknownTopicOrPartition.Code
	}
	return one
}

func describeTopic(t *metadata.Topic, q *kmsg.MetadataRequest) kmsg.MetadataResponseTopic {
	one := kmsg.NewMetadataResponseTopic()
	one.Topic, one.TopicID, one.IsInternal = &t.Name, t.ID, isInternalTopic(t.Name)
	if q.IncludeTopicAuthorizedOperations {
		one.AuthorizedOperations = operationsOfTopic
	}
	one.Partitions = make([]kmsg.MetadataResponseTopicPartition, len(t.Partitions))
	for i := range t.Partitions {
		from, to := &t.Partitions[i], &one.Partitions[i]
		to.Default()
		to.Partition, to.Leader, to.LeaderEpoch = from.Index, from.Leader, int32(from.LeaderEpoch)
		to.Replicas, to.ISR, to.OfflineReplicas = from.Replicas, from.ISR, []int32{}
		if from.Leader < 0 {
			to.ErrorCode = protocol.ErrLeaderNotAvailable.Code
		}
	}
	return one
}
