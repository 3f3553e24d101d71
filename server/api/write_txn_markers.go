package api

// WriteTxnMarkers (key 27), versions 0 to 2.
//
// Ends transactions in the partitions that it names, as a transaction coordinator
// says or an administrator (kafka-transactions.sh abort, for one that its coordinator
// has lost). The coordinator here does not need it: it shares the process with the
// partitions. Every partition is answered by itself, when its marker is committed:
//
//	UNKNOWN_TOPIC_OR_PARTITION       it does not exist
//	INVALID_PRODUCER_EPOCH           the producer has begun a newer epoch there
//	TRANSACTION_COORDINATOR_FENCED   a newer coordinator has written there
//	NOT_LEADER_OR_FOLLOWER           the group coordinator is not ready; to be tried again
//
//	v1     flexible
//	v2     the version of the transaction (KIP-1228)
//
// A marker for a coordinator's own journal other than the committed offsets is
// INVALID_TOPIC_EXCEPTION: no transaction writes there, and it would have its
// coordinator load anew. One for a producer without id or epoch in a partition that exists
// makes the whole request UNKNOWN_SERVER_ERROR, as from Kafka, which fails to make its batch.
// One without topics is not in the answer, as from
// Kafka, which gathers the answer by partition.

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var writeTxnMarkers = later(kmsg.WriteTxnMarkers, 0, 2, (*API).writeTxnMarkers).
	needs(need{auth.Alter, auth.Cluster}, need{auth.ClusterAction, auth.Cluster})

func (a *API) writeTxnMarkers(r *Request, q *kmsg.WriteTxnMarkersRequest, reply func(*kmsg.WriteTxnMarkersResponse)) {
	if !a.maySee(r, auth.Alter, auth.Cluster, auth.ClusterName) && !a.mayCluster(r, auth.ClusterAction) {
		p := kmsg.NewPtrWriteTxnMarkersResponse()
		p.Markers = make([]kmsg.WriteTxnMarkersResponseMarker, len(q.Markers))
		for i := range q.Markers {
			refuseMarker(&q.Markers[i], &p.Markers[i], errClusterDenied)
		}
		reply(p)
		return
	}
	a.wait(r)
	p := q.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	asked := slices.DeleteFunc(q.Markers, func(m kmsg.WriteTxnMarkersRequestMarker) bool { return len(m.Topics) == 0 })
	p.Markers = make([]kmsg.WriteTxnMarkersResponseMarker, len(asked))
	left := coordinator.NewCountdown(len(asked), func() { reply(p) })
	image := a.Metadata.Image()
	impossible := slices.ContainsFunc(asked, func(m kmsg.WriteTxnMarkersRequestMarker) bool { return a.isImpossible(image, &m) })
	for i := range asked {
		if impossible {
			refuseMarker(&asked[i], &p.Markers[i], protocol.ErrUnknownServerError)
			left.Done()
			continue
		}
		a.writeMarker(image, &asked[i], &p.Markers[i], left.Done)
	}
}

// isImpossible tells whether there is a partition to write a batch to that cannot be made.
func (a *API) isImpossible(image *metadata.Image, m *kmsg.WriteTxnMarkersRequestMarker) bool {
	if m.ProducerID >= 0 && m.ProducerEpoch >= 0 {
		return false
	}
	for _, t := range m.Topics {
		for _, index := range t.Partitions {
			if a.checkMarker(image, t.Topic, index) == nil {
				return true
			}
		}
	}
	return false
}

// refuseMarker answers for every partition alike.
func refuseMarker(asked *kmsg.WriteTxnMarkersRequestMarker, answer *kmsg.WriteTxnMarkersResponseMarker, err error) {
	*answer = kmsg.NewWriteTxnMarkersResponseMarker()
	answer.ProducerID = asked.ProducerID
	for _, t := range gathered(asked.Topics) {
		one := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
		one.Topic = t.Topic
		for _, index := range t.Partitions {
			one.Partitions = append(one.Partitions, kmsg.WriteTxnMarkersResponseMarkerTopicPartition{
				Partition: index, ErrorCode: codeOf(err),
			})
		}
		answer.Topics = append(answer.Topics, one)
	}
}

// writeMarker writes one marker into all of its partitions.
func (a *API) writeMarker(image *metadata.Image, asked *kmsg.WriteTxnMarkersRequestMarker, answer *kmsg.WriteTxnMarkersResponseMarker, done func()) {
	marker := coordinator.Marker{
		Producer: coordinator.Producer{ID: protocol.ProducerID(asked.ProducerID), Epoch: asked.ProducerEpoch},
		Commit:   asked.Committed, CoordinatorEpoch: asked.CoordinatorEpoch, TransactionVersion: int16(asked.TransactionVersion),
	}
	*answer = kmsg.NewWriteTxnMarkersResponseMarker()
	answer.ProducerID = asked.ProducerID
	topics := gathered(asked.Topics)
	answer.Topics = make([]kmsg.WriteTxnMarkersResponseMarkerTopic, len(topics))
	var partitions []txn.TopicPartition
	var codes []*int16 // of these partitions, in the answer
	for i, t := range topics {
		one := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
		one.Topic = t.Topic
		one.Partitions = make([]kmsg.WriteTxnMarkersResponseMarkerTopicPartition, len(t.Partitions))
		for j, index := range t.Partitions {
			one.Partitions[j] = kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
			one.Partitions[j].Partition = index
			if err := a.checkMarker(image, t.Topic, index); err != nil {
				one.Partitions[j].ErrorCode = codeOf(err)
				continue
			}
			partitions = append(partitions, txn.TopicPartition{Topic: t.Topic, Partition: index})
			codes = append(codes, &one.Partitions[j].ErrorCode)
		}
		answer.Topics[i] = one
	}
	a.WriteMarkers(marker, partitions, func(errs []error) {
		for i, err := range errs {
			*codes[i] = markerCode(err)
		}
		done()
	})
}

// gathered is what a marker names, each partition once: Kafka keeps them in a map.
func gathered(topics []kmsg.WriteTxnMarkersRequestMarkerTopic) []kmsg.WriteTxnMarkersRequestMarkerTopic {
	var once []kmsg.WriteTxnMarkersRequestMarkerTopic
	places := make(map[string]int, len(topics))
	seen := make(map[topicPartition]bool)
	for _, t := range topics {
		at, again := places[t.Topic]
		if !again {
			at = len(once)
			places[t.Topic] = at
			once = append(once, kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: t.Topic})
		}
		for _, index := range t.Partitions {
			if key := (topicPartition{t.Topic, index}); !seen[key] {
				seen[key] = true
				once[at].Partitions = append(once[at].Partitions, index)
			}
		}
	}
	return slices.DeleteFunc(once, func(t kmsg.WriteTxnMarkersRequestMarkerTopic) bool { return len(t.Partitions) == 0 })
}

func (a *API) checkMarker(image *metadata.Image, topic string, index int32) error {
	if isInternalTopic(topic) && topic != OffsetsTopic {
		return protocol.ErrInvalidTopicException
	}
	_, err := a.partition(image.Topic(topic), index)
	return err
}

// markerCode is codeOf in the words that a transaction coordinator knows
// (KafkaApis.handleWriteTxnMarkersRequest).
func markerCode(err error) int16 {
	for _, notReady := range []error{coordinator.ErrUnavailable, coordinator.ErrLoading, coordinator.ErrNotOwner} {
		if errors.Is(err, notReady) {
			return protocol.ErrNotLeaderOrFollower.Code
		}
	}
	return codeOf(err)
}
