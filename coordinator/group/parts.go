package group

import (
	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

// finishInParts ends an input whose records need not be written together, as many
// tombstones: each batch is of a size that the journal takes. The answers wait
// for the last one.
func (m *Machine) finishInParts() coordinator.Decision {
	return inParts(m.finish(), m.config.RecordBytesMax-protocol.BatchHeaderBytes)
}

func inParts(d coordinator.Decision, bytesMax int) coordinator.Decision {
	n := batchPrefix(d.Records, bytesMax)
	if n == len(d.Records) {
		return d
	}
	rest := d
	rest.Records = d.Records[n:]
	return coordinator.Decision{
		Records:  d.Records[:n],
		Producer: d.Producer,
		Then:     func(coordinator.Moment) coordinator.Decision { return inParts(rest, bytesMax) },
		Lost: func(err error) {
			for _, reply := range rest.Replies {
				reply(err)
			}
			if rest.Lost != nil {
				rest.Lost(err)
			}
		},
	}
}

// fitsBatch tells whether the records can be one batch.
func (m *Machine) fitsBatch(records []coordinator.Record) bool {
	return batchPrefix(records, m.config.RecordBytesMax-protocol.BatchHeaderBytes) == len(records)
}

// batchPrefix is how many of the records fit in a batch, the first in any case.
func batchPrefix(records []coordinator.Record, bytesMax int) int {
	n, bytes := 0, 0
	for _, r := range records {
		bytes += recordBytes(r)
		if bytes > bytesMax && n > 0 {
			break
		}
		n++
	}
	return n
}

// recordBytes is about what a record takes in a batch, and not less.
func recordBytes(r coordinator.Record) int {
	// Attributes, header count and, as varints of at most five bytes, the lengths of
	// record, key and value, the offset and the time, which is the same for all.
	const overhead = 2 + 5*5
	return overhead + len(r.Key) + len(r.Value)
}
