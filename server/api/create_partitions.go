package api

// CreatePartitions (key 37), versions 0 to 3.
//
// Raises the number of a topic's partitions. Each topic is judged by itself; all
// that are raised are one write. A manual assignment names the replicas of each
// new partition.
//
// Internal topics are INVALID_TOPIC_EXCEPTION: their coordinators spread groups over
// the partitions that there are. Kafka adds partitions and loses the groups.
//
// A topic whose partitions, with those of the topics before it, would be more than 10,000
// is POLICY_VIOLATION; in Kafka (ReplicationControlManager) its list of records
// overflows, which is UNKNOWN_SERVER_ERROR of that topic.
//
//	v0-v1  count, assignment, validate only
//	v2     flexible
//	v3     may answer THROTTLING_QUOTA_EXCEEDED (KIP-599), where versions before throttle

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var createPartitions = now(kmsg.CreatePartitions, 0, 3, (*API).createPartitions).needs(need{auth.Alter, auth.Topic})

func (a *API) createPartitions(r *Request, q *kmsg.CreatePartitionsRequest) *kmsg.CreatePartitionsResponse {
	p := q.ResponseKind().(*kmsg.CreatePartitionsResponse)
	counts := countNames(q.Topics, func(t *kmsg.CreatePartitionsRequestTopic) string { return t.Topic })
	problems := make([]error, len(q.Topics))
	for i, t := range q.Topics {
		switch {
		case counts[t.Topic] > 1:
			problems[i] = protocol.ErrInvalidRequest.WithMessage("Duplicate topic name.")
		case !a.may(r, auth.Alter, auth.Topic, t.Topic):
			problems[i] = errTopicDenied
		case isInternalTopic(t.Topic):
			problems[i] = protocol.ErrInvalidTopicException.WithMessage("The number of partitions of the internal topic %s cannot be changed.", t.Topic)
		}
	}
	settings := a.Config()
	options := metadata.CreateOptions{FewerReplicas: settings.ReplicationClamp, Admit: r.charge.forTopics(r.Header.Version >= 3)}
	_, err := a.change(r, q.TimeoutMillis, q.ValidateOnly, func(image *metadata.Image) ([]metadata.Record, error) {
		var records []metadata.Record
		for i, t := range q.Topics {
			if problems[i] != nil {
				continue
			}
			added, err := metadata.CreatePartitions(image, t.Topic, t.Count, assignmentsOf(t), options)
			switch total := len(records) + len(added); {
			case err != nil:
			case total > settings.RequestPartitionsMax:
				err = protocol.ErrPolicyViolation.WithMessage("Excessively large number of partitions per request.")
			case total > recordsPerRequestMax:
				err = errTooManyRecords // of this topic: those before it are raised
			}
			if problems[i] = err; err == nil {
				records = append(records, added...)
			}
		}
		return records, nil
	})
	for i, t := range q.Topics {
		if counts[t.Topic] < 0 {
			continue
		}
		if counts[t.Topic] > 1 {
			counts[t.Topic] = -1 // told once
		}
		if problems[i] == nil {
			problems[i] = err
		}
		one := kmsg.NewCreatePartitionsResponseTopic()
		one.Topic = t.Topic
		one.ErrorCode, one.ErrorMessage = problemOf(problems[i])
		if errors.Is(problems[i], metadata.ErrUnknownTopic) || errors.Is(problems[i], metadata.ErrInvalidTopicName) || problems[i] == errTopicDenied {
			one.ErrorMessage = nil // as Kafka, which says no more than the code
		}
		p.Topics = append(p.Topics, one)
	}
	return p
}

// assignmentsOf keeps null, which leaves the choice to the broker, apart from an
// empty list, which is one assignment too few.
func assignmentsOf(t kmsg.CreatePartitionsRequestTopic) [][]int32 {
	if t.Assignment == nil {
		return nil
	}
	assigned := make([][]int32, len(t.Assignment))
	for i := range t.Assignment {
		assigned[i] = t.Assignment[i].Replicas
	}
	return assigned
}
