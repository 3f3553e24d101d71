package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/wire"
)

// The pace of the retention series: 13 MB/s, so that a segment of 1 MiB is full 12
// times a second and one goes as often once the topic is as large as it may be.
const (
	retentionRate    = 200 // requests a second
	retentionSeconds = 10
	retentionBytes   = 8 << 20

	keptRow         = "steady produce, all kept"
	deletedRow      = "steady produce, old deleted"
	retentionP99Row = "p99 with deletion / without"
	onDiskRow       = "on disk at most"
	remainingRow    = "left of what was sent"
)

// eagerRetention has brokers look for old segments all the time. Files go from the
// disk a moment after their segment.
var eagerRetention = map[string]string{"log.retention.check.interval.ms": "100", "log.initial.task.delay.ms": "100"}

// retentionStarters: kfake is left out as it is of compaction.
var retentionStarters = map[string]starter{
	"barnabas": func() (contender, error) {
		return startBarnabas("dev", eagerRetention)
	},
	"kafka": func() (contender, error) { return startKafka(eagerRetention) },
}

var retentionWorkloads = []workload{{name: "retention: 8 MiB kept of 13 MB/s", run: runRetention}}

var retentionGoals = []goal{
	{row: retentionP99Row, unit: "x", column: "barnabas", atMost: 2},
	// What is kept, the active segment, and what comes in until the next look and
	// until the files go.
	{row: onDiskRow, unit: "MiB", column: "barnabas", atMost: 24},
}

// runRetention sends the same at the same pace to a topic that keeps everything and
// to one that keeps little, whose last batches are then read back.
func runRetention(b contender, o options) (phases []phase, err error) {
	batch := batchOf(63, recordBytes-20) // just under 64 KiB
	for _, load := range []struct {
		row  string
		keep int64
	}{{keptRow, -1}, {deletedRow, retentionBytes}} {
		err := withTopicOf(b, 1, retentionSettings(load.keep), func(_ context.Context, topic string) error {
			frame := produceFrame(topic, 1, batch)
			requests := retentionRate * retentionSeconds
			watch := watchFolder(filepath.Join(b.DataDir(), topic+"-0"))
			var latencies []time.Duration
			p, err := timed(b, o, load.row, func() (_, sent int64, err error) {
				latencies, err = steadily(b.Bootstrap(), topic, frame, requests)
				return 0, int64(requests), err
			})
			most, watchErr := watch.end()
			if err = errors.Join(err, watchErr); err != nil {
				return err
			}
			p.latencies = latencies
			start, err := verifyTail(b.Bootstrap(), topic, batch, requests)
			if load.keep > 0 {
				left := 1 - float64(start)/float64(requests*63)
				p.more = []sample{mebibytes(onDiskRow, most), {remainingRow, "%", lower, 100 * left}}
			}
			phases = append(phases, p)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slowdown := float64(percentile(phases[1].latencies, 99)) / float64(percentile(phases[0].latencies, 99))
	return append(phases, phase{more: []sample{{retentionP99Row, "x", lower, slowdown}}}), nil
}

func retentionSettings(keep int64) map[string]*string {
	bytes, soon, small := strconv.FormatInt(keep, 10), "100", smallSegments
	return map[string]*string{"retention.bytes": &bytes, "segment.bytes": &small, "file.delete.delay.ms": &soon}
}

// steadily sends a frame at retentionRate on one connection, one in flight. A
// request that is late because the answer before it was counts from when it was
// due: a broker that stalls is not asked less for it.
func steadily(address, topic string, frame []byte, requests int) ([]time.Duration, error) {
	conn, err := wire.Dial(address)
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // the answers have been read
	latencies := make([]time.Duration, 0, requests)
	began := time.Now()
	for i := range requests {
		due := began.Add(time.Duration(i) * time.Second / retentionRate)
		late := max(0, time.Since(due))
		if late == 0 {
			time.Sleep(time.Until(due))
		}
		took, err := roundTrip(conn, frame, topic, 1)
		if err != nil {
			return nil, fmt.Errorf("request %d of %d: %w", i+1, requests, err)
		}
		latencies = append(latencies, late+took)
	}
	return latencies, nil
}

// folderWatch looks at the size of a folder until its end.
type folderWatch struct {
	stop chan struct{}
	done chan struct{}
	// most and err are valid after done.
	most int64
	err  error
}

func watchFolder(folder string) *folderWatch {
	w := &folderWatch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() { // ends with end
		defer close(w.done)
		ticker := time.NewTicker(quietInterval)
		defer ticker.Stop()
		for {
			size, err := folderBytes(folder)
			if err != nil {
				w.err = err
				return
			}
			w.most = max(w.most, size)
			select {
			case <-ticker.C:
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

// end is the largest size that was seen.
func (w *folderWatch) end() (most int64, err error) {
	close(w.stop)
	<-w.done
	if w.most == 0 && w.err == nil {
		w.err = errors.New("no log file was ever there")
	}
	return w.most, w.err
}

// folderBytes is the size of the log files of a partition, of those too whose
// segment is deleted already. A folder that is not there yet is empty.
func folderBytes(folder string) (int64, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	var size int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // deleted just now
		}
		if isLog(entry.Name()) {
			size += info.Size()
		}
	}
	return size, nil
}

// isLog knows the log file of a segment, and one whose segment is deleted but which
// is not: Kafka and Barnabas rename it first.
func isLog(file string) bool {
	return strings.HasSuffix(file, ".log") || strings.HasSuffix(file, ".log.deleted")
}
