package api

import (
	"context"
	"time"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/partition"
	"github.com/barnabas-mq/barnabas/protocol"
)

// recordsPerRequestMax is how many records of the metadata one request may make:
// Kafka's QuorumController.MAX_RECORDS_PER_USER_OP, also where nothing is changed.
const recordsPerRequestMax = 10_000

var errTooManyRecords = protocol.ErrPolicyViolation.WithMessage("Unable to perform excessively large batch operation.")

// wait is flush for a handler that goes on in any case. A peer that is gone shows when this request's own answer is
// written; what it asked for is done all the same.
func (a *API) wait(r *Request) { _ = r.flush() }

// change proposes a change of the metadata and returns the image that contains
// it. A change that has not begun when the client's timeout ends does not happen.
// A timeout of 0 or less, with which Kafka answers REQUEST_TIMED_OUT and makes the
// change nevertheless, is no limit here: the answer comes with the change. With
// validateOnly everything is decided and nothing is changed. More records than
// recordsPerRequestMax are POLICY_VIOLATION of the whole request.
func (a *API) change(r *Request, timeoutMillis int32, validateOnly bool, decide func(*metadata.Image) ([]metadata.Record, error)) (*metadata.Image, error) {
	a.wait(r)
	r.charge.rest()
	defer r.charge.work()
	ctx := context.Background()
	if timeoutMillis > 0 {
		limited, cancel := a.within(time.Duration(timeoutMillis) * time.Millisecond)
		defer cancel()
		ctx = limited
	}
	image, err := a.Metadata.Propose(ctx, func(image *metadata.Image) ([]metadata.Record, error) {
		records, err := decide(image)
		switch {
		case err != nil:
			return nil, err
		case len(records) > recordsPerRequestMax:
			return nil, errTooManyRecords
		case validateOnly:
			return nil, nil
		}
		return records, nil
	})
	if err != nil && ctx.Err() != nil && err == ctx.Err() {
		err = protocol.ErrRequestTimedOut
	}
	return image, err
}

// within is a context that ends after the timeout, by the clock of the API.
func (a *API) within(timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	timer := a.Clock.AfterFunc(timeout, cancel)
	return ctx, func() {
		timer.Stop()
		cancel()
	}
}

// partition finds a partition of a topic of the image, which is nil when the
// topic does not exist.
func (a *API) partition(topic *metadata.Topic, index int32) (*partition.Partition, error) {
	if topic != nil {
		if p := a.Partitions.Get(topic.ID, index); p != nil {
			return p, nil
		}
	}
	return nil, protocol.ErrUnknownTopicOrPartition
}

// countNames counts how often each name is there.
func countNames[T any, N comparable](items []T, name func(*T) N) map[N]int {
	counts := make(map[N]int, len(items))
	for i := range items {
		counts[name(&items[i])]++
	}
	return counts
}
