package api

// FindCoordinator (key 10), versions 0 to 6.
//
// Tells which broker coordinates a group or a transactional id. There is one
// broker, so it is this one, as soon as the topic exists that holds the
// coordinator's state. It is created at once; Kafka answers
// COORDINATOR_NOT_AVAILABLE the first time and clients ask again, so the
// difference is one round trip less. Who may describe none of the keys creates nothing.
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

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

var findCoordinator = now(kmsg.FindCoordinator, 0, 6, (*API).findCoordinator).
	needs(need{auth.Describe, auth.Group}, need{auth.Describe, auth.TransactionalID}, need{auth.ClusterAction, auth.Cluster})

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
	search := coordinatorSearch{api: a, request: r, keyType: q.CoordinatorType}
	if q.Version < findCoordinatorBatch {
		at, err := search.of(q.CoordinatorKey)
		p.ErrorCode, p.NodeID, p.Host, p.Port = codeOf(err), at.NodeID, at.Host, at.Port
		message := protocol.ErrNone.Name
		if e := errorOf(err); e != nil {
			message = e.Message
		}
		p.ErrorMessage = &message
		return p
	}
	p.Coordinators = make([]kmsg.FindCoordinatorResponseCoordinator, len(q.CoordinatorKeys))
	for i, key := range q.CoordinatorKeys {
		one := &p.Coordinators[i]
		one.Default()
		at, err := search.of(key)
		one.Key, one.NodeID, one.Host, one.Port = key, at.NodeID, at.Host, at.Port
		one.ErrorCode, one.ErrorMessage = codeOf(err), noText()
		if search.failsWhole(err) {
			one.ErrorMessage = &errorOf(err).Message
		}
	}
	return p
}

// coordinatorSearch finds the coordinator of keys of one type.
type coordinatorSearch struct {
	api     *API
	request *Request
	keyType int8

	prepared bool // at and err are of the type's coordinator
	at       Endpoint
	err      error
}

// of finds that of a key, or tells why not, and then no place.
func (s *coordinatorSearch) of(key string) (Endpoint, error) {
	nowhere := Endpoint{NodeID: -1, Port: -1}
	if err := s.refusal(key); err != nil {
		return nowhere, err
	}
	if !s.prepared {
		s.prepared, s.at = true, nowhere
		if s.err = s.api.prepareCoordinator(s.request, s.keyType); s.err == nil {
			s.at = s.api.Cluster.Self(s.request.Call.Conn)
		}
	}
	return s.at, s.err
}

// refusal is what is to be said about a key whatever the state of the coordinator.
func (s *coordinatorSearch) refusal(key string) error {
	a, r := s.api, s.request
	switch {
	case s.keyType == coordinatorOfGroup && !a.may(r, auth.Describe, auth.Group, key):
		return errGroupDenied
	case s.keyType == coordinatorOfTransaction && !a.may(r, auth.Describe, auth.TransactionalID, key):
		return errTxnDenied
	case s.keyType != coordinatorOfShare || r.Header.Version < findCoordinatorShare:
		return nil
	case !a.mayCluster(r, auth.ClusterAction):
		return errClusterDenied
	case !isSharePartitionKey(key):
		return protocol.ErrInvalidRequest
	}
	return nil
}

// failsWhole tells whether the error is one that Kafka answers all keys with, and only
// then with its text; others go without a word, and not as null.
func (s *coordinatorSearch) failsWhole(err error) bool {
	return err == errClusterDenied || s.keyType < coordinatorOfGroup || s.keyType > coordinatorOfShare
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
	if err := r.flush(); err != nil { // creating takes a commit of the metadata log
		return protocol.ErrCoordinatorNotAvailable
	}
	if err := AutoCreateTopic(a.Metadata, a.Config(), topic, nil); err != nil {
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
