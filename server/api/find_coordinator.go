package api

// FindCoordinator (key 10), versions 0 to 6.
//
// Tells which broker coordinates a group or a transactional id. There is one
// broker, so it is this one, as soon as the topic exists that holds the
// coordinator's state. It is created at once; Kafka answers
// COORDINATOR_NOT_AVAILABLE the first time and clients ask again, so the
// difference is one round trip less.
//
//	v0  groups only
//	v1  a type of key; an error message, "NONE" when there is none
//	v4  several keys, each with its own answer (KIP-699)
//	v6  share partitions (KIP-932), whose keys are a group, a topic id and a partition
//	    between colons

import (
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var findCoordinator = now(kmsg.FindCoordinator, 0, 6, (*API).findCoordinator)

// The first versions with several keys, and with share partitions.
const (
	findCoordinatorBatch = 4
	findCoordinatorShare = 6
)

// Types of keys.
const (
	coordinatorOfGroup       = 0
	coordinatorOfTransaction = 1
	coordinatorOfShare       = 2
)

func (a *API) findCoordinator(r *Request, q *kmsg.FindCoordinatorRequest) *kmsg.FindCoordinatorResponse {
	p := kmsg.NewPtrFindCoordinatorResponse()
	err := a.prepareCoordinator(r, q.CoordinatorType)
	at := Endpoint{NodeID: -1, Port: -1}
	if err == nil {
		at = a.Cluster.Self(r.Call.Conn)
	}
	if q.Version < findCoordinatorBatch {
		p.ErrorCode, p.NodeID, p.Host, p.Port = codeOf(err), at.NodeID, at.Host, at.Port
		message := protocol.ErrNone.Name
		if e := errorOf(err); e != nil {
			message = e.Message
		}
		p.ErrorMessage = &message
		return p
	}
	// Kafka explains only that it does not know the type; other errors go without a
	// word, and not as null.
	message := ""
	if q.CoordinatorType < coordinatorOfGroup || q.CoordinatorType > coordinatorOfShare {
		message = errorOf(err).Message
	}
	p.Coordinators = make([]kmsg.FindCoordinatorResponseCoordinator, len(q.CoordinatorKeys))
	for i, key := range q.CoordinatorKeys {
		one := &p.Coordinators[i]
		one.Default()
		one.Key, one.NodeID, one.Host, one.Port = key, at.NodeID, at.Host, at.Port
		one.ErrorCode, one.ErrorMessage = codeOf(err), &message
		if q.CoordinatorType == coordinatorOfShare && !isSharePartitionKey(key) {
			one.NodeID, one.Host, one.Port = -1, "", -1
			one.ErrorCode = protocol.ErrInvalidRequest.Code
		}
	}
	return p
}

// prepareCoordinator makes sure that the coordinator of a type of keys can work.
func (a *API) prepareCoordinator(r *Request, keyType int8) error {
	var topic string
	switch keyType {
	case coordinatorOfGroup:
		topic = OffsetsTopic
	case coordinatorOfTransaction:
		topic = TransactionsTopic
	case coordinatorOfShare:
		if r.Header.Version < findCoordinatorShare || a.checkShareProtocol(r) != nil {
			return protocol.ErrInvalidRequest
		}
		topic = ShareStateTopic
	default:
		return protocol.ErrInvalidRequest
	}
	if a.Metadata.Image().Topic(topic) != nil {
		return nil
	}
	if err := r.Call.Wait(); err != nil { // creating takes a commit of the metadata log
		return protocol.ErrCoordinatorNotAvailable
	}
	if err := AutoCreateTopic(a.Metadata, a.Config(), topic); err != nil {
		a.Log.Warn("An internal topic could not be created.", "topic", topic, "error", err)
		return protocol.ErrCoordinatorNotAvailable
	}
	return nil
}

// isSharePartitionKey tells whether a key names a share partition (SharePartitionKey).
func isSharePartitionKey(key string) bool {
	rest, partition, ok := cutLast(key)
	if !ok {
		return false
	}
	groupID, topicID, ok := cutLast(rest)
	if !ok || strings.TrimSpace(groupID) == "" {
		return false
	}
	_, idErr := protocol.ParseUUID(topicID)
	_, err := strconv.ParseInt(partition, 10, 32)
	return idErr == nil && err == nil
}

// cutLast cuts at the last colon.
func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}
