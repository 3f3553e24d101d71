package disk

import (
	"errors"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// readCleaned takes cleaner-offset-checkpoint in. Unlike the other files a damaged
// one is passed over: without it logs are compacted from their start again.
func (c *checkpoints) readCleaned() error {
	err := c.read(cleanerFile, func(key partitionKey, offset protocol.Offset) {
		c.mu.cleaned[key] = offset
		if _, ok := c.mu.written[key]; !ok {
			c.mu.written[key] = 0
		}
	})
	var corrupt *logstore.CorruptError
	if errors.As(err, &corrupt) {
		c.store.opts.Logger.Warn("the compactor's checkpoint is passed over: logs are compacted anew", "error", err)
		clear(c.mu.cleaned)
		c.mu.cleanedLost = true
		return nil
	}
	return err
}

// compactableBelow is up to where compaction may rewrite segments: below the
// recovery point that is on disk nothing is ever replayed or scanned, so that no
// recovery meets, or brings back, what compaction took away.
func (l *log) compactableBelow() protocol.Offset {
	return min(l.store.checkpoints.persisted(keyOf(l.id)), protocol.Offset(l.recoveryPoint.Load()))
}

// cleanedTo is where the part of a log begins that was not compacted yet; false when
// none of it ever was.
func (c *checkpoints) cleanedTo(id logstore.ID) (protocol.Offset, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to, ok := c.mu.cleaned[keyOf(id)]
	return to, ok
}

// everCleaned tells whether offsets may be missing in a log.
func (c *checkpoints) everCleaned(id logstore.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.mu.cleaned[keyOf(id)]
	return ok || c.mu.cleanedLost
}

// setCleaned notes up to where a log is compacted, durably. A log that ended
// meanwhile gets no row: it would be taken for a namesake's.
func (c *checkpoints) setCleaned(l *log, to protocol.Offset) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if phase(l.phase.Load()) != phaseReady {
		return errAbandoned
	}
	key := keyOf(l.id)
	before, had := c.mu.cleaned[key]
	if had && before == to {
		return nil
	}
	c.mu.cleaned[key], c.mu.cleanedUnwritten = to, true
	if _, ok := c.mu.written[key]; !ok {
		c.mu.written[key] = 0
	}
	if err := c.writeCleanedLocked(); err != nil {
		c.mu.cleaned[key] = before
		if !had {
			delete(c.mu.cleaned, key)
		}
		return err
	}
	return nil
}

// truncateCleaned is called before a log is cut off at offset: what will be appended
// there was never compacted.
func (c *checkpoints) truncateCleaned(id logstore.ID, offset protocol.Offset) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.cleaned[keyOf(id)] <= offset {
		return nil
	}
	c.mu.cleaned[keyOf(id)], c.mu.cleanedUnwritten = offset, true
	return c.writeCleanedLocked()
}

// writeCleanedLocked brings the file up to date; there is none before the first
// compaction.
func (c *checkpoints) writeCleanedLocked() error {
	if !c.mu.cleanedUnwritten {
		return nil
	}
	rows := make([]checkpointRow, 0, len(c.mu.cleaned))
	for key, offset := range c.mu.cleaned {
		rows = append(rows, checkpointRow{key, offset})
	}
	err := c.writeFile(cleanerFile, rows)
	c.mu.cleanedUnwritten = err != nil
	return err
}
