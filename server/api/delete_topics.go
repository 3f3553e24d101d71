package api

// DeleteTopics (key 20), versions 0 to 6.
//
// Removes topics with their records, settings and committed offsets. When the
// answer is given the names are free again; files go away a little later. With
// delete.topic.enable=false everything is TOPIC_DELETION_DISABLED, which the versions
// below 3 do not know and which is INVALID_REQUEST there.
//
// Internal topics are INVALID_TOPIC_EXCEPTION: their coordinators hold what is in
// them. Kafka deletes them.
//
//	v0-v3  topics by name
//	v4     flexible
//	v5     error messages; may answer THROTTLING_QUOTA_EXCEEDED (KIP-599), where versions before throttle
//	v6     topics by name or by id, exactly one of them (KIP-516)

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var deleteTopics = now(kmsg.DeleteTopics, 0, 6, (*API).deleteTopics).needs(
	need{auth.Delete, auth.Cluster}, need{auth.Describe, auth.Topic}, need{auth.Delete, auth.Topic})

func (a *API) deleteTopics(r *Request, q *kmsg.DeleteTopicsRequest) *kmsg.DeleteTopicsResponse {
	p := q.ResponseKind().(*kmsg.DeleteTopicsResponse)
	asked := topicsToDelete(q)
	image := a.Metadata.Image()
	var err error
	if !a.Config().DeleteTopics {
		err = deletionDisabled(q.Version)
	}
	var doomed []*deletion
	for _, d := range asked {
		if d.err == nil {
			d.err = err
		}
		if d.err == nil {
			d.resolve(image, a.deletionRights(r))
		}
		if d.err == nil {
			doomed = append(doomed, d)
		}
	}
	refuseSameTopic(doomed)
	a.remove(r, doomed, q.TimeoutMillis)
	for _, d := range asked {
		if d.merged {
			continue
		}
		one := kmsg.NewDeleteTopicsResponseTopic()
		one.Topic, one.TopicID = d.name, d.id
		one.ErrorCode, one.ErrorMessage = problemOf(d.err)
		p.Topics = append(p.Topics, one)
	}
	return p
}

func deletionDisabled(version int16) error {
	if version < 3 {
		return protocol.ErrInvalidRequest.WithMessage("Topic deletion is disabled.")
	}
	return protocol.ErrTopicDeletionDisabled.WithMessage("Topic deletion is disabled.")
}

// deletion is a topic on its way from the request to the answer.
type deletion struct {
	name  *string // nil until it is known
	id    protocol.UUID
	topic *metadata.Topic
	err   error
	// merged deletions are told by another one, which names the same topic.
	merged bool
}

// topicsToDelete lists what is asked for; what is there twice is told once, as an
// error.
func topicsToDelete(q *kmsg.DeleteTopicsRequest) []*deletion {
	var asked []*deletion
	byName, byID := make(map[string]*deletion), make(map[protocol.UUID]*deletion)
	add := func(name *string, id protocol.UUID) {
		d := &deletion{name: name, id: id}
		switch {
		case name != nil && !id.IsZero():
			d.err = protocol.ErrInvalidRequest.WithMessage("You may not specify both topic name and topic id.")
		case name == nil && id.IsZero():
			d.err = protocol.ErrInvalidRequest.WithMessage("Neither topic name nor id were specified.")
		case name != nil && byName[*name] != nil:
			byName[*name].err = protocol.ErrInvalidRequest.WithMessage("Duplicate topic name.")
			return
		case name != nil:
			byName[*name] = d
		case byID[id] != nil:
			byID[id].err = protocol.ErrInvalidRequest.WithMessage("Duplicate topic id.")
			return
		default:
			byID[id] = d
		}
		asked = append(asked, d)
	}
	for i := range q.TopicNames { // up to v5
		add(&q.TopicNames[i], protocol.UUID{})
	}
	for _, t := range q.Topics { // from v6
		add(t.Topic, t.TopicID)
	}
	return asked
}

// deletionRights are what a client may know of a topic by its name, and delete: all, or
// what it is allowed for the topic.
func (a *API) deletionRights(r *Request) func(name string) (describe, remove bool) {
	return func(name string) (describe, remove bool) {
		if a.maySee(r, auth.Delete, auth.Cluster, auth.ClusterName) {
			return true, true
		}
		return a.may(r, auth.Describe, auth.Topic, name), a.may(r, auth.Delete, auth.Topic, name)
	}
}

// resolve finds the topic and fills in what the client did not name, as far as it may know.
func (d *deletion) resolve(image *metadata.Image, rights func(name string) (describe, remove bool)) {
	if d.name != nil {
		d.topic = image.Topic(*d.name)
	} else {
		d.topic = image.TopicByID(d.id)
	}
	denied := false
	switch {
	case d.name != nil:
		describe, remove := rights(*d.name)
		denied = !describe || d.topic != nil && !remove
	case d.topic != nil: // an id is no secret: to delete by it needs no more than to delete
		describe, remove := rights(d.topic.Name)
		if denied = !remove; denied && describe {
			d.name = &d.topic.Name
		}
	}
	switch {
	case denied:
		d.err = errTopicDenied
	case d.topic == nil && d.name != nil:
		d.err = protocol.ErrUnknownTopicOrPartition
	case d.topic == nil:
		d.err = protocol.ErrUnknownTopicID.WithMessage("This server does not host this topic ID.")
	case isInternalTopic(d.topic.Name):
		d.err = protocol.ErrInvalidTopicException.WithMessage("The internal topic %s cannot be deleted.", d.topic.Name)
	default:
		d.name, d.id = &d.topic.Name, d.topic.ID
	}
}

// refuseSameTopic refuses a topic that is named once by name and once by id.
func refuseSameTopic(doomed []*deletion) {
	first := make(map[protocol.UUID]*deletion, len(doomed))
	for _, d := range doomed {
		if other := first[d.id]; other != nil {
			other.err = protocol.ErrInvalidRequest.WithMessage("The provided topic name maps to an ID that was already supplied.")
			d.err, d.merged = other.err, true
			continue
		}
		first[d.id] = d
	}
}

// remove deletes those that nothing speaks against, in one change.
func (a *API) remove(r *Request, doomed []*deletion, timeoutMillis int32) {
	var keys []metadata.TopicKey
	var owners []*deletion
	for _, d := range doomed {
		if d.err == nil {
			keys, owners = append(keys, metadata.TopicKey{ID: d.id}), append(owners, d)
		}
	}
	if len(keys) == 0 {
		return
	}
	var problems []error
	_, err := a.change(r, timeoutMillis, false, func(image *metadata.Image) (records []metadata.Record, err error) {
		records, problems = metadata.DeleteTopics(image, keys, r.charge.forTopics(r.Header.Version >= 5))
		return records, nil
	})
	for i, d := range owners {
		if err != nil {
			d.err = err
		} else {
			d.err = problems[i]
		}
	}
}
