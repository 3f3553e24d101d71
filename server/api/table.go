package api

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/internal/invariant"
	"github.com/barnabas-mq/barnabas/protocol"
)

// table lists every API key that is served. The range beside each handler is
// what ApiVersions advertises.
func table() []entry {
	return []entry{
		produce, fetch, listOffsets, metadataEntry,
		findCoordinator, joinGroup, syncGroup, heartbeat, leaveGroup,
		consumerGroupHeartbeat, consumerGroupDescribe,
		shareGroupHeartbeat, shareGroupDescribe, shareFetch, shareAcknowledge, describeShareGroupOffsets, alterShareGroupOffsets, deleteShareGroupOffsets,
		offsetCommit, offsetFetch, offsetDelete,
		listGroups, describeGroups, deleteGroups,
		createTopics, deleteTopics, deleteRecords, createPartitions,
		describeConfigs, alterConfigs, incrementalAlterConfigs, listConfigResources,
		describeCluster, describeTopicPartitions, describeLogDirs, describeProducers,
		initProducerID, addPartitionsToTxn, addOffsetsToTxn, endTxn, txnOffsetCommit, writeTxnMarkers,
		describeTransactions, listTransactions, offsetForLeaderEpoch,
		apiVersions, updateFeatures,
		saslHandshake, saslAuthenticate, // by a gate before, where there are logins
		describeACLs, createACLs, deleteACLs,
		createDelegationToken, renewDelegationToken, expireDelegationToken, describeDelegationToken,
		describeClientQuotas, alterClientQuotas, describeUserScramCredentials, alterUserScramCredentials,
		alterReplicaLogDirs, electLeaders, alterPartitionReassignments, listPartitionReassignments,
		describeQuorum, unregisterBroker, addRaftVoter, removeRaftVoter,
	}
}

// entry is one row: a key, the versions served, and what serves them.
type entry struct {
	key      int16
	name     string
	min, max int16
	serve    func(a *API, r *Request) error
	// access is all that serve asks an authorizer about. It is for docs/security-access.md.
	access []need
}

// need is an operation on resources of a type that a client must be allowed to do.
type need struct {
	operation auth.Operation
	on        auth.ResourceType
}

// needs is the entry with what it asks an authorizer about.
func (e entry) needs(all ...need) entry {
	e.access = all
	return e
}

// onCluster is the entry for those alone who may do something to the cluster: the others
// are refused all that they ask for (AuthHelper.authorizeClusterOperation).
func (e entry) onCluster(o auth.Operation) entry {
	serve := e.serve
	e.access = append(e.access, need{o, auth.Cluster})
	e.serve = func(a *API, r *Request) error {
		if a.mayCluster(r, o) {
			return serve(a, r)
		}
		q, err := decode[kmsg.Request](r)
		if err != nil {
			return err
		}
		r.Answer(deniedAnswer(q))
		return nil
	}
	return e
}

// now declares an API whose handler answers before it returns.
func now[Q kmsg.Request, P kmsg.Response](key kmsg.Key, min, max int16, handle func(a *API, r *Request, q Q) P) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		q, err := decodeServed[Q](r)
		if err != nil {
			return err
		}
		p := handle(a, r, q)
		r.refusal.putInto(p)
		r.Answer(p)
		return nil
	})
}

// bounded is now for an API that answers for every partition that a request names: with
// more than barnabas.request.partitions.max the connection is closed, as by Fetch.
func bounded[Q kmsg.Request, P kmsg.Response](key kmsg.Key, min, max int16, count func(q Q) int, handle func(a *API, r *Request, q Q) P) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		q, err := decodeServed[Q](r)
		if err != nil {
			return err
		}
		if n, settings := count(q), a.Config(); n > settings.RequestPartitionsMax {
			return tooManyPartitions(n, settings)
		}
		p := handle(a, r, q)
		r.refusal.putInto(p)
		r.Answer(p)
		return nil
	})
}

// byHand declares an API whose bodies have codecs of their own. handle reads a body and
// gives what appends that of the answer.
func byHand[Q kmsg.Request](key kmsg.Key, min, max int16, handle func(a *API, r *Request, body []byte) (appendBody func(dst []byte) []byte, err error)) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		if r.refusal != nil {
			return serveRest[Q](a, r, handle)
		}
		appendBody, err := handle(a, r, r.Body)
		if err != nil {
			return err
		}
		out := r.Call.Out()
		out.SetBytes(appendBody(beginAnswer(out, r.Header)))
		out.End()
		return nil
	})
}

// serveRest has handle serve what a fault leaves of a request, and puts what it refuses
// into the answer. Both are found by the fields of kmsg's types.
func serveRest[Q kmsg.Request](a *API, r *Request, handle func(*API, *Request, []byte) (func([]byte) []byte, error)) error {
	q, err := decodeServed[Q](r)
	if err != nil {
		return err
	}
	appendBody, err := handle(a, r, q.AppendTo(nil))
	if err != nil {
		return err
	}
	p := q.ResponseKind()
	if err := p.ReadFrom(appendBody(nil)); err != nil {
		return fmt.Errorf("reading our own answer: %w", err)
	}
	r.refusal.putInto(p)
	r.Answer(p)
	return nil
}

// sum adds up what count says of each element.
func sum[T any](all []T, count func(*T) int) (n int) {
	for i := range all {
		n += count(&all[i])
	}
	return n
}

// later declares an API whose handler calls reply once, now or later, from any
// goroutine. The handler must copy what it keeps of the request's byte slices;
// strings are its own.
func later[Q kmsg.Request, P kmsg.Response](key kmsg.Key, min, max int16, handle func(a *API, r *Request, q Q, reply func(P))) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		q, err := decodeServed[Q](r)
		if err != nil {
			return err
		}
		answer := newLateAnswer(r)
		handle(a, r, q, func(p P) { answer.give(p) })
		answer.settle(r)
		return nil
	})
}

// laterByHand is later for an API whose bodies have codecs of their own. handle reads a
// body, must copy what it keeps of it, and gives the answer, which may have been given.
func laterByHand[Q kmsg.Request](key kmsg.Key, min, max int16, handle func(a *API, r *Request, body []byte) (*lateAnswer, error)) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		body := r.Body
		if r.refusal != nil {
			q, err := decodeServed[Q](r)
			if err != nil {
				return err
			}
			body = q.AppendTo(nil)
		}
		answer, err := handle(a, r, body)
		if err != nil {
			return err
		}
		answer.settle(r)
		return nil
	})
}

// boundedLater is bounded for a handler that may answer later.
func boundedLater[Q kmsg.Request, P kmsg.Response](key kmsg.Key, min, max int16, count func(q Q) int, handle func(a *API, r *Request, q Q, reply func(P))) entry {
	return declare(key, min, max, func(a *API, r *Request) error {
		q, err := decodeServed[Q](r)
		if err != nil {
			return err
		}
		if n, settings := count(q), a.Config(); n > settings.RequestPartitionsMax {
			return tooManyPartitions(n, settings)
		}
		answer := newLateAnswer(r)
		handle(a, r, q, func(p P) { answer.give(p) })
		answer.settle(r)
		return nil
	})
}

// declare makes an entry. The key is given and not asked of the request's type: that
// would have every start touch the code of every type, most of which nobody ever sends.
func declare(key kmsg.Key, min, max int16, serve func(a *API, r *Request) error) entry {
	return entry{key: key.Int16(), name: protocol.APIName(key.Int16()), min: min, max: max, serve: serve}
}

func decode[Q kmsg.Request](r *Request) (Q, error) {
	message, err := protocol.DecodeRequest(r.Header.Key, r.Header.Version, r.Body, r.decodedMax)
	if err != nil {
		var none Q
		return none, err
	}
	return message.(Q), nil
}

// decodeServed is decode without what a fault refuses, which goes into the answer later.
func decodeServed[Q kmsg.Request](r *Request) (Q, error) {
	q, err := decode[Q](r)
	if err == nil && r.refusal != nil {
		r.refusal.takeFrom(q)
	}
	return q, err
}

// buildTable indexes the table by key and makes what ApiVersions advertises.
func buildTable() ([]*entry, *protocol.VersionTable) {
	rows := table()
	versions := make([]protocol.Version, len(rows))
	var byKey []*entry
	for i := range rows {
		e := &rows[i]
		invariant.Check(e.key <= highestKey, "API key %d is above the highest one", e.key)
		for int(e.key) >= len(byKey) {
			byKey = append(byKey, nil)
		}
		invariant.Check(byKey[e.key] == nil, "API key %d is in the table twice", e.key)
		byKey[e.key] = e
		versions[i] = protocol.Version{Key: e.key, Name: e.name, Min: e.min, Max: e.max}
	}
	return byKey, protocol.NewVersionTable(versions)
}
