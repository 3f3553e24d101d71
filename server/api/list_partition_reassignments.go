package api

// ListPartitionReassignments (key 46), version 0.
//
// Nothing moves between brokers where there is one: the list is empty, whatever is
// asked for, as from a Kafka that is idle.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
)

var listPartitionReassignments = now(kmsg.ListPartitionReassignments, 0, 0, (*API).listPartitionReassignments).onCluster(auth.Describe)

func (a *API) listPartitionReassignments(_ *Request, q *kmsg.ListPartitionReassignmentsRequest) *kmsg.ListPartitionReassignmentsResponse {
	return q.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
}
