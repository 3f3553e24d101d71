package disk

import (
	"time"

	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// progress tells in the log how far a recovery that takes long has come.
type progress struct {
	store       *Store
	id          logstore.ID
	done, total int64
	look        int64         // the clock is asked again once done is here
	told        time.Duration // monotonic
}

const (
	progressEvery = 5 * time.Second
	// progressLookBytes is a fraction of a second of scanning, so that reading the
	// clock costs nothing beside it.
	progressLookBytes = 16 << 20
)

func (l *log) newProgress(list []*segment) *progress {
	p := &progress{store: l.store, id: l.id, look: progressLookBytes, told: l.store.opts.Clock.Monotonic()}
	for _, s := range list {
		p.total += s.size.Load()
	}
	return p
}

func (p *progress) add(b protocol.Batch) {
	if p.done += int64(b.Size()); p.done < p.look {
		return
	}
	p.look = p.done + progressLookBytes
	now := p.store.opts.Clock.Monotonic()
	if now-p.told < progressEvery {
		return
	}
	p.told = now
	p.store.opts.Logger.Warn("still recovering a partition", "partition", p.id.String(), "bytes", p.done, "of", p.total)
}
