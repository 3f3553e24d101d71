package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore/disk"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

// A data directory goes from Apache Kafka to Barnabas and back. This file has what
// only that needs: looking before the first write, the marker of a clean stop, the
// file that new metadata begin with, and the farewell of a stop.

// beforeLead is the last look before the first write: from here on the directory
// counts as unclean until the next stop. A directory that is refused until now
// is as it was.
func (b *Broker) beforeLead(image *metadata.Image) error {
	if err := b.checkAltered(image); err != nil {
		return err
	}
	if err := b.inheritWAL(image); err != nil {
		return err
	}
	if image.EndOffset() == 0 {
		if err := b.writeBootstrap(); err != nil {
			return err
		}
	}
	return removeCleanMarker(b.files, b.dir)
}

// inheritWAL takes over the write-ahead log that a crash has left, unless somebody
// else has used the directory since: what it holds would be written over theirs.
func (b *Broker) inheritWAL(image *metadata.Image) error {
	if !b.logs.Leftover() {
		return nil
	}
	folder := path.Join(b.dir, disk.WALFolder)
	owners, err := b.logs.Lineage()
	if err != nil {
		return &DirectoryError{folder, "the write-ahead log cannot be used", err}
	}
	newest := image.Broker(b.identity.NodeID)
	if newest == nil || !slices.Contains(owners, newest.IncarnationID.String()) {
		return &DirectoryError{folder, "another broker has used this data directory since the write-ahead log was left there; what it holds may be lost, or in conflict with the newer data", nil}
	}
	if err := b.logs.Inherit(newest.IncarnationID.String()); err != nil {
		return &DirectoryError{folder, "the write-ahead log cannot be taken over", err}
	}
	return nil
}

// checkAltered refuses settings in the metadata that ask for protection which
// cannot be given.
func (b *Broker) checkAltered(image *metadata.Image) error {
	settings, err := b.altered(image)
	if settings == nil {
		return &SettingsError{err}
	}
	return nil
}

// The marker of a clean stop is Kafka's CleanShutdownFileHandler's: its presence
// spares the next start a scan, and the broker epoch in it tells a controller that
// nothing of that registration was lost.

func hasCleanMarker(files vfs.FS, dir string) (bool, error) {
	_, err := files.Stat(path.Join(dir, cleanMarkerName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &DirectoryError{dir, "the marker of the last stop cannot be looked for", err}
	}
	return true, nil
}

// removeCleanMarker removes it durably.
func removeCleanMarker(files vfs.FS, dir string) error {
	err := files.Remove(path.Join(dir, cleanMarkerName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = files.SyncDir(dir)
	}
	if err != nil {
		return &DirectoryError{dir, "the marker of the last stop cannot be removed", err}
	}
	return nil
}

func writeCleanMarker(files vfs.FS, dir string, epoch int64) error {
	marker := fmt.Sprintf(`{"version":0,"brokerEpoch":%d}`, epoch)
	return vfs.ReplaceFile(files, path.Join(dir, cleanMarkerName), []byte(marker), true)
}

// bootstrapBytesMax bounds a file of some hundred bytes.
const bootstrapBytesMax = 1 << 20

// readBootstrap reads what the metadata of the directory begin with; nil when
// nobody has formatted it, and the metadata begin with our own default. In a
// directory that was used it says what once was.
func readBootstrap(files vfs.FS, dir string) ([]metadata.Record, error) {
	name := path.Join(dir, metadata.BootstrapFile)
	content, err := vfs.ReadFile(files, name, bootstrapBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		var records []metadata.Record
		if records, err = metadata.ReadBootstrapCheckpoint(name, content); err == nil {
			return records, nil
		}
	}
	return nil, &DirectoryError{name, "cannot be read", err}
}

// writeBootstrap leaves a new directory as Kafka's format command would.
func (b *Broker) writeBootstrap() error {
	name := path.Join(b.dir, metadata.BootstrapFile)
	if _, err := b.files.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	content := metadata.BootstrapCheckpoint(metadata.DefaultBootstrap(), protocol.Timestamp(b.opts.Clock.Now().UnixMilli()))
	if err := vfs.ReplaceFile(b.files, name, content, true); err != nil {
		return &DirectoryError{name, "cannot be written", err}
	}
	return nil
}

// sayGoodbye journals the broker's orderly stop. Without it the next start works
// as well; Kafka's takes longer.
func (b *Broker) sayGoodbye(ctx context.Context) {
	_, err := b.metadata.Propose(ctx, func(image *metadata.Image) ([]metadata.Record, error) {
		return metadata.ControlledShutdown(image, b.identity.NodeID, b.metadata.BrokerEpoch()), nil
	})
	if err != nil {
		b.opts.Log.Warn("the metadata do not say that this broker stops", "error", err)
	}
}
