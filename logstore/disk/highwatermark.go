package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/barnabas-mq/barnabas/internal/vfs"
	"github.com/barnabas-mq/barnabas/logstore"
	"github.com/barnabas-mq/barnabas/protocol"
)

// highWatermarkFile is where Kafka keeps the high watermarks of its partitions. We
// take them from the logs; the file is written at a clean stop, for Kafka.
const highWatermarkFile = "replication-offset-checkpoint"

// writeHighWatermarks replaces the file. Partitions that nobody has used since the
// start keep their row; without one they are whole up to their recovery point.
func (c *checkpoints) writeHighWatermarks() error {
	before, err := c.readHighWatermarks()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := make([]checkpointRow, 0, len(c.mu.kept))
	loaded := make(map[partitionKey]bool)
	for _, l := range c.store.each() {
		if !l.loaded.Load() || l.id.Topic == metadataTopic {
			continue
		}
		loaded[keyOf(l.id)] = true
		rows = append(rows, checkpointRow{keyOf(l.id), protocol.Offset(l.high.Load())})
	}
	for key, m := range c.mu.kept {
		if loaded[key] || key.topic == metadataTopic {
			continue
		}
		high, ok := before[key]
		if !ok {
			high = m.recovery
		}
		rows = append(rows, checkpointRow{key, high})
	}
	return c.writeFile(highWatermarkFile, rows)
}

// metadataTopic has its high watermark in the quorum, not in the file.
const metadataTopic = "__cluster_metadata"

// readHighWatermarks reads the file. One that cannot be understood is as good as
// none: a single replica's high watermark is the end of its log.
func (c *checkpoints) readHighWatermarks() (map[partitionKey]protocol.Offset, error) {
	high := make(map[partitionKey]protocol.Offset)
	data, err := vfs.ReadFile(c.store.opts.FS, path.Join(c.store.opts.Dir, highWatermarkFile), smallFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return high, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read a checkpoint: %w", logstore.ErrStorage, err)
	}
	rows, _ := parseCheckpoint(string(data))
	for _, row := range rows {
		if key, offset, err := parsePartitionRow(row); err == nil {
			high[key] = offset
		}
	}
	return high, nil
}
