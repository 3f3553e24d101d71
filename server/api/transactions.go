package api

import (
	"errors"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/protocol"
)

// Transactions is the transaction coordinator as the handlers use it; see
// txn.Coordinator. Each reply is called once, from any goroutine, also before the
// method returns.
type Transactions interface {
	InitProducerID(in txn.InitInput, reply func(txn.InitOutput))
	AddPartitions(in txn.AddInput, reply func(txn.AddOutput))
	End(in txn.EndInput, reply func(txn.EndOutput))
	Describe(transactionalID string, reply func(txn.Description))
	List(in txn.ListInput, reply func(txn.ListOutput))
}

// The transaction.version of a client follows from the versions that it speaks
// (TransactionVersion.transactionVersionForAddPartitionsToTxn, ...ForEndTxn).
const (
	versionStrict  = 0
	versionBumping = 2
)

func transactionVersion(request, bumpingFrom int16) int16 {
	if request >= bumpingFrom {
		return versionBumping
	}
	return versionStrict
}

// fencedCode is an error as a version of a request knows it: PRODUCER_FENCED is of
// version since, before it was INVALID_PRODUCER_EPOCH.
func fencedCode(err error, version, since int16) int16 {
	if version < since && errors.Is(err, protocol.ErrProducerFenced) {
		err = protocol.ErrInvalidProducerEpoch
	}
	return codeOf(err)
}

func producerOf(id int64, epoch int16) coordinator.Producer {
	return coordinator.Producer{ID: protocol.ProducerID(id), Epoch: epoch}
}

// mayWait tells whether the connection has nothing else to do, so that the work of a
// coordinator may be done at once. Its complete answers are sent before.
func mayWait(r *Request) bool {
	if !r.Call.Alone() || r.flush() != nil {
		return false
	}
	r.charge.rest() // little is left to do but to wait
	return true
}
