package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ErrClosed answers what is asked of a broker that was closed.
var ErrClosed = errors.New("the broker is closed")

// resetGrace is how long a Reset lets connections end by themselves; a healthy one
// takes no time.
const resetGrace = 500 * time.Millisecond

// Reset makes the broker as it was when it was first started: without topics (but
// for Options.Topics), records, groups, transactions, altered settings and faults. It
// takes some milliseconds.
//
// Addresses, cluster id and node id stay. Every connection is closed, which clients
// take for a broker that was restarted: they connect again, find their topics gone and
// what they remember of groups and topic ids refused. Meanwhile nobody is turned away:
// connections wait. Producer ids go on where they were, so that no producer of before
// is taken for one that comes after.
//
// An error leaves a broker that has failed (see Fatal), except for ErrClosed and that of a
// ctx that had ended already: then nothing has happened.
func (b *Broker) Reset(ctx context.Context) error {
	if !b.started.Load() {
		return errStarting
	}
	b.rooms.Lock()
	defer b.rooms.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.failed.Load() {
		return errors.New("the broker has failed and cannot be reset")
	}
	if err := ctx.Err(); err != nil { // half-way it would be the end of the broker
		return err
	}
	b.faults.Clear()
	next := b.metadata.Image().NextProducerID()
	err := b.endLife(ctx)
	if err == nil {
		err = disk.Wipe(b.files, b.dir, logstore.ID{Topic: metadataTopic}.String())
	}
	if err == nil {
		err = b.beginLife(next)
	}
	if err != nil {
		err = fmt.Errorf("reset: %w", err)
		b.fail(err)
	}
	return err
}

// endLife closes every room, and writes nothing: what it holds is to go.
func (b *Broker) endLife(ctx context.Context) error {
	b.chores.stop()
	b.closeBearers()
	b.waking.Wait()
	b.transactions.Close()
	b.groups.Close()
	grace, cancel := context.WithTimeout(ctx, resetGrace)
	defer cancel()
	b.server.Pause(grace)
	b.closeAccess()
	b.sharing.Close(ctx)
	b.shares.Close()
	if err := b.metadata.Close(ctx); err != nil {
		return fmt.Errorf("closing the metadata: %w", err)
	}
	b.logs.Abandon()
	return removeCleanMarker(b.files, b.dir)
}

// beginLife opens the rooms over the directory that was wiped, and serves.
func (b *Broker) beginLife(nextProducerID protocol.ProducerID) error {
	if later, ok := b.files.(*vfs.Later); ok {
		later.Again()
	}
	b.settings.Store(b.first)
	b.groupSettings.defaults.Store(nil)
	if b.opts.LogLevel != nil {
		b.opts.LogLevel.Set(b.firstLevel)
	}
	for _, step := range b.roomSteps() {
		if err := step(); err != nil {
			return err
		}
	}
	_, err := b.metadata.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		return metadata.SkipProducerIDs(image, b.identity.NodeID, b.metadata.BrokerEpoch(), nextProducerID), nil
	})
	if err != nil {
		return err
	}
	b.server.Resume(b.newAPI())
	b.startChores()
	return nil
}
