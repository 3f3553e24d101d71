package logstore_test

import (
	"errors"
	"testing"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// inTransaction is a client's batch of producer 1 with a pass.
func inTransaction(epoch int16, sequence int32, pass logstore.Pass) logstore.AppendInput {
	options := protocol.DefaultBatchOptions()
	options.ProducerID, options.ProducerEpoch, options.BaseSequence, options.Transactional = 1, epoch, sequence, true
	w := protocol.NewBatchBuilder(options)
	w.Add(5, nil, nil)
	return logstore.AppendInput{Batch: w.Build(0, 0), Pass: pass}
}

// Whose transaction is open, and whether a pass that was given after the first
// steps is good after the others.
func TestPasses(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		open          bool
		err           error
	}{
		{"nobody knows the producer", "", "", false, nil},
		{"others come and go", "+2", "+3 ^2 !3 .4", false, nil},
		{"its transaction is open", "+1", "", true, nil},
		{"and goes on", "+1", "+1 +1", true, nil},
		{"it ended before", "+1 ^1", "", false, nil},
		{"it ended before, and the next one begins", "+1 !1", "+1", false, nil},
		{"it ends", "+1", "^1", true, logstore.ErrTransactionEnded},
		{"it is aborted before its first records", "", "!1", false, logstore.ErrTransactionEnded},
		{"the same, of a producer that is known", "+1 ^1", "!1", false, logstore.ErrTransactionEnded},
		{"it ends, and the next one is open", "+1 +1", "!1 +1", true, logstore.ErrTransactionEnded},
		{"it ends twice", "+1", "!1 !1", true, logstore.ErrTransactionEnded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var table logstore.ProducerTable
			history(t, &table, 0, tt.before)
			open, pass := table.TransactionOpen(1, 0)
			if open != tt.open {
				t.Fatalf("open is %t", open)
			}
			if newer, _ := table.TransactionOpen(1, 1); newer {
				t.Error("open in an epoch that never was")
			}
			history(t, &table, 10, tt.after)
			in := inTransaction(0, -1, pass)
			in.Origin = logstore.FromCoordinator
			if _, _, err := table.Judge(in); !errors.Is(err, tt.err) {
				t.Errorf("with the pass: %v, want %v", err, tt.err)
			}
			in.Pass = 0
			if _, _, err := table.Judge(in); err != nil {
				t.Errorf("without one: %v", err)
			}
			in.Pass = logstore.NoPass
			if _, _, err := table.Judge(in); !errors.Is(err, logstore.ErrTransactionEnded) {
				t.Errorf("with no pass: %v", err)
			}
		})
	}
}

// The end of the transaction says more than an old epoch, and less than that the
// records are there already (UnifiedLog.analyzeAndValidateProducerState).
func TestAPassIsJudgedBetweenCopiesAndEpochs(t *testing.T) {
	var table logstore.ProducerTable
	_, pass := table.TransactionOpen(1, 0)
	first := inTransaction(0, 0, pass)
	table.Apply(first.Batch, 0)
	marker := protocol.NewEndTxnMarkerBatch(1, 0, 5, protocol.EndTxnMarker{Commit: true})
	marker.SetBaseOffset(1)
	table.Apply(marker, 0)
	if copied, duplicate, err := table.Judge(first); !duplicate || copied.LastOffset != 0 || err != nil {
		t.Errorf("the copy: %+v, %t, %v", copied, duplicate, err)
	}
	marker = protocol.NewEndTxnMarkerBatch(1, 1, 5, protocol.EndTxnMarker{Commit: true})
	marker.SetBaseOffset(2)
	table.Apply(marker, 0)
	if _, _, err := table.Judge(first); !errors.Is(err, logstore.ErrTransactionEnded) {
		t.Errorf("an old epoch as well: %v", err)
	}
	plain := sent{0, 0, 1}.batch(3)
	if _, _, err := table.Judge(logstore.AppendInput{Batch: plain, Pass: logstore.NoPass}); err != nil {
		t.Errorf("records of no transaction: %v", err)
	}
}
