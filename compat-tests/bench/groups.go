package main

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

const (
	groupMembers  = 1_000
	joinRow       = "1,000 members join, classic"
	joinNewRow    = "1,000 members join, KIP-848"
	commitsRow    = "group commits"
	heartbeatsRow = "heartbeats"
)

var groupWorkloads = []workload{
	{name: "groups: 1,000 members join", run: runJoin},
	{name: "groups: 1,000 members join by ConsumerGroupHeartbeat", run: runJoinNew},
	{name: "groups: commits", run: runCommits},
	{name: "groups: heartbeats", run: runHeartbeats},
}

var groupGoals = []goal{
	{row: joinNewRow, unit: "ms", column: bestKfake, ratio: true, atMost: 0.7},
	{row: heartbeatsRow, unit: "CPU us each", column: nullBroker, ratio: true, atMost: 1.3},
}

// serves tells whether the broker advertises every one of the keys. A workload
// that needs another leaves the broker out; left says so.
func serves(b contender, keys ...kmsg.Key) (left []phase, ok bool, err error) {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return nil, false, err
	}
	defer conn.Close() //nolint:errcheck // the answer has been read
	request := kmsg.NewPtrApiVersionsRequest()
	request.Version = 0
	response, err := conn.Call(request)
	if err != nil {
		return nil, false, err
	}
	served := map[int16]bool{}
	for _, k := range response.(*kmsg.ApiVersionsResponse).ApiKeys {
		served[k.ApiKey] = true
	}
	for _, k := range keys {
		if !served[k.Int16()] {
			return []phase{{notes: []string{"does not serve " + k.Name() + ", the workloads that need it are left out"}}}, false, nil
		}
	}
	return nil, true, nil
}

const (
	// groupPatience bounds what a workload waits for a group.
	groupPatience = 2 * time.Minute
	// coordinatorPause is between two questions to a coordinator that is not ready.
	coordinatorPause = 10 * time.Millisecond
)

// findCoordinator asks for the group's coordinator until there is one: brokers
// make the topic of the offsets when they are first asked.
func findCoordinator(b contender, group string) error {
	conn, err := wire.Dial(b.Bootstrap())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the answer has been read
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.Version, request.CoordinatorKey = 2, group
	return retryWhileLoading(func() (int16, error) {
		response, err := conn.Call(request)
		if err != nil {
			return 0, err
		}
		return response.(*kmsg.FindCoordinatorResponse).ErrorCode, nil
	})
}

// retryWhileLoading repeats a request that the coordinator is not ready for.
func retryWhileLoading(ask func() (code int16, err error)) error {
	for began := time.Now(); ; time.Sleep(coordinatorPause) {
		code, err := ask()
		if err != nil {
			return err
		}
		switch failure := kerr.ErrorForCode(code); failure {
		case nil:
			return nil
		case kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator:
			if time.Since(began) > groupPatience {
				return failure
			}
		default:
			return failure
		}
	}
}

// newGroup is a group id that no round has used, whose coordinator is ready.
func newGroup(b contender, prefix string) (string, error) {
	group := fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano())
	return group, findCoordinator(b, group)
}
