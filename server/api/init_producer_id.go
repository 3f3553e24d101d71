package api

// InitProducerId (key 22), versions 0 to 5.
//
// Gives an idempotent producer an id that no producer had before, with epoch 0.
// Ids come in blocks of 1000 that the metadata promises to this process, so that
// after a restart the rest of a block is skipped and none is handed out twice. A
// producer that names its last id and epoch (v3) gets a fresh id too, as in Kafka.
//
// Left out: transactions. A transactional id is TRANSACTIONAL_ID_AUTHORIZATION_FAILED
// for as long as there is no transaction coordinator, because of all codes it is
// the one at which both the Java client and librdkafka give up at once; other
// codes librdkafka takes for temporary, and asks again until its caller's timeout.
// The broker's log says what the code cannot.
//
//	v0-v1  transactional id, transaction timeout
//	v2     flexible
//	v3     the producer may name the id and epoch that it had (KIP-360)
//	v4     may answer PRODUCER_FENCED
//	v5     may answer TRANSACTION_ABORTABLE (KIP-890)
//
// Version 6 (two-phase commit, KIP-939) is not stable in Kafka 4.3.

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var initProducerID = now(0, 5, (*API).initProducerID)

func (a *API) initProducerID(r *Request, q *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	p := q.ResponseKind().(*kmsg.InitProducerIDResponse)
	id, err := a.newProducerID(r, q)
	if err != nil {
		p.ErrorCode = codeOf(err)
		p.ProducerID, p.ProducerEpoch = protocol.None, protocol.None
		return p
	}
	p.ProducerID, p.ProducerEpoch = int64(id), 0
	return p
}

func (a *API) newProducerID(r *Request, q *kmsg.InitProducerIDRequest) (protocol.ProducerID, error) {
	switch id := q.TransactionalID; {
	case id == nil:
	case *id == "":
		return 0, protocol.ErrInvalidRequest
	default:
		a.producerIDs.refused.Do(func() { // one line is enough, however often it asks
			a.Log.Warn("a producer asks for transactions, which this version does not serve",
				"client", fmt.Sprintf("%.64q", r.Header.ClientID), "transactional.id", fmt.Sprintf("%.64q", *id))
		})
		return 0, protocol.ErrTransactionalIDAuthorizationFailed
	}
	if (q.ProducerID == protocol.None) != (q.ProducerEpoch == protocol.None) {
		return 0, protocol.ErrInvalidRequest
	}
	a.wait(r) // before the lock: a peer that does not read must not keep others from their ids
	return a.producerIDs.take(func() (block metadata.ProducerIDBlock, err error) {
		_, err = a.change(r, 0, func(image *metadata.Image) (records []metadata.Record, err error) {
			records, block, err = metadata.NextProducerIDBlock(image, a.Config().NodeID, a.Metadata.BrokerEpoch())
			return records, err
		})
		return block, err
	})
}

// producerIDs hands out the ids of the block that it holds. The zero value holds
// none.
type producerIDs struct {
	mu struct {
		sync.Mutex // held while the next block is fetched: the others need it too
		next, end  protocol.ProducerID
	}
	refused sync.Once // to log that a transaction was asked for
}

// take gives the next id; fetch brings the next block.
func (p *producerIDs) take(fetch func() (metadata.ProducerIDBlock, error)) (protocol.ProducerID, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.next == p.mu.end {
		block, err := fetch()
		if err != nil {
			return 0, err
		}
		p.mu.next, p.mu.end = block.First, block.First+protocol.ProducerID(block.Count)
	}
	id := p.mu.next
	p.mu.next++
	return id, nil
}
