package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

const (
	metadataFile = "partition.metadata"
	epochFile    = "leader-epoch-checkpoint"
	// smallFileMax bounds files that are read whole. An epoch file of this size
	// would hold a million epochs.
	smallFileMax = 64 << 20
)

// makeFolder makes the partition's folder at its first append; mu is held. It may
// find a folder that an earlier, failed call has made.
func (l *log) makeFolder() error {
	if err := l.store.checkpoints.beforeFolder(l.id); err != nil {
		return err
	}
	if err := l.store.opts.FS.MkdirAll(l.dir, vfs.DirPerm); err != nil {
		return err
	}
	if err := l.writeTopicID(); err != nil {
		return err
	}
	l.mu.folderMade, l.mu.namesDirty, l.mu.rootDirty = true, true, true
	return nil
}

// writeTopicID writes partition.metadata, which says whose folder this is. It is never
// there in part: a Kafka that takes the folder over after a kill cannot read an empty one.
func (l *log) writeTopicID() error {
	text := "version: 0\ntopic_id: " + l.id.TopicID.String()
	return l.writeSmall(metadataFile, []byte(text), vfs.ReplaceFile)
}

// writeSmall writes a small file, durably in sync mode; with the write-ahead log,
// which can bring back what the file says, it waits for the next flush. mu is held.
func (l *log) writeSmall(file string, data []byte, write func(vfs.FS, string, []byte, bool) error) error {
	name := l.dir + "/" + file
	now := l.store.opts.Durability == Sync && !l.logged()
	if err := write(l.store.opts.FS, name, data, now); err != nil {
		return err
	}
	if l.logged() {
		l.mu.namesDirty = true
		if !slices.Contains(l.mu.smallDirty, name) {
			l.mu.smallDirty = append(l.mu.smallDirty, name)
		}
	}
	return nil
}

// TopicIDOf reads from partition.metadata whose folder a partition's folder is. The id
// is zero when there is none, as in folders of old Kafka versions, or when it cannot be
// understood, which a power cut in cached mode can bring about.
func TopicIDOf(fsys vfs.FS, dir string) (protocol.UUID, error) {
	data, err := vfs.ReadFile(fsys, path.Join(dir, metadataFile), smallFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return protocol.UUID{}, nil
	}
	if err != nil {
		return protocol.UUID{}, err
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "topic_id:"); ok {
			id, err := protocol.ParseUUID(strings.TrimSpace(text))
			if err != nil {
				break
			}
			return id, nil
		}
	}
	return protocol.UUID{}, nil
}

// noteEpoch keeps where a new leader epoch begins, before its first batch is
// written; mu is held.
func (l *log) noteEpoch(epoch protocol.Epoch, base protocol.Offset) error {
	if epoch <= l.mu.epochs.Last() {
		return nil
	}
	before := l.mu.epochs.All()
	l.mu.epochs.Assign(epoch, base)
	write := vfs.ReplaceFile
	if len(before) == 0 {
		// Until it is whole, a start takes the epochs from the batches, and there is none.
		write = vfs.WriteFirst
	}
	if err := l.writeSmall(epochFile, epochText(l.mu.epochs.All()), write); err != nil {
		l.mu.epochs, _ = logstore.NewEpochs(before)
		return err
	}
	return nil
}

// writeEpochs writes Kafka's leader-epoch-checkpoint: version 0, the number of
// lines, and a line "epoch offset" each.
func (l *log) writeEpochs() error {
	return l.writeSmall(epochFile, epochText(l.mu.epochs.All()), vfs.ReplaceFile)
}

func epochText(starts []logstore.EpochStart) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "0\n%d\n", len(starts))
	for _, s := range starts {
		fmt.Fprintf(&text, "%d %d\n", s.Epoch, s.Start)
	}
	return text.Bytes()
}

// readEpochs reads it; false when it is missing or cannot be understood, and the
// epochs must be taken from the batches.
func readEpochs(fsys vfs.FS, dir string) (logstore.Epochs, bool) {
	data, err := vfs.ReadFile(fsys, path.Join(dir, epochFile), smallFileMax)
	if err != nil {
		return logstore.Epochs{}, false
	}
	rows, err := parseCheckpoint(string(data))
	if err != nil {
		return logstore.Epochs{}, false
	}
	starts := make([]logstore.EpochStart, len(rows))
	for i, row := range rows {
		if len(row) != 2 {
			return logstore.Epochs{}, false
		}
		epoch, err1 := strconv.ParseInt(row[0], 10, 32)
		start, err2 := strconv.ParseInt(row[1], 10, 64)
		if err1 != nil || err2 != nil {
			return logstore.Epochs{}, false
		}
		starts[i] = logstore.EpochStart{Epoch: protocol.Epoch(epoch), Start: protocol.Offset(start)}
	}
	return logstore.NewEpochs(starts)
}

// parseCheckpoint reads the text form that Kafka's checkpoint files share:
// version 0, the number of rows, the rows with fields parted by blanks.
func parseCheckpoint(text string) ([][]string, error) {
	if !strings.HasSuffix(text, "\n") {
		return nil, errors.New("its last line is cut off") // or an offset would be read without its last digits
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) < 2 || strings.TrimSpace(lines[0]) != "0" {
		return nil, errors.New("its version is not 0")
	}
	count, err := strconv.Atoi(strings.TrimSpace(lines[1]))
	if err != nil || count != len(lines)-2 {
		return nil, fmt.Errorf("it announces %q rows and has %d", lines[1], len(lines)-2)
	}
	rows := make([][]string, count)
	for i, line := range lines[2:] {
		rows[i] = strings.Fields(line)
	}
	return rows, nil
}
