package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// quietMax is how long the compactor may take after the producers' end.
	quietMax = time.Minute
	// quietInterval is how often the folder is looked at meanwhile; reading the
	// topic over and over would slow the compactor down.
	quietInterval = 50 * time.Millisecond
)

// awaitCompacted waits until the segments before the active one are small enough
// to hold one record per key, then reads the topic and checks it.
func awaitCompacted(ctx context.Context, b contender, topic string, frames [][][]byte, updates int) ([]sample, error) {
	sent := 0
	for _, own := range frames {
		for _, frame := range own {
			sent += len(frame)
		}
	}
	began := time.Now()
	folder := filepath.Join(b.DataDir(), topic+"-0")
	first, err := segmentsOf(folder)
	if err != nil {
		return nil, err
	}
	left := float64(first.sealed+first.active) / float64(sent) * 100
	ticker := time.NewTicker(quietInterval)
	defer ticker.Stop()
	for {
		now, err := segmentsOf(folder)
		if err != nil {
			return nil, err
		}
		var broken error
		if now.sealed < compactionKeys*keepMax {
			if broken = checkCompacted(ctx, b, topic, now.activeBase, updates); broken == nil {
				break
			}
		}
		if time.Since(began) > quietMax {
			return nil, fmt.Errorf("not compacted %v after the producers' end: %d bytes before the active segment; %v", quietMax, now.sealed, broken)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return []sample{{leftRow, "%", lower, left}, {quietRow, "s", lower, time.Since(began).Seconds()}}, nil
}

// keepMax is above what one kept record may take: a batch of its own, header and
// all, and as much again for the header of an emptied batch.
const keepMax = 512

// segments are the sizes of a partition's log files.
type segments struct {
	sealed, active int64
	activeBase     int64
}

func segmentsOf(folder string) (segments, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return segments{}, err
	}
	var s segments
	for _, entry := range entries { // sorted by name, and so by base offset
		name, isLog := strings.CutSuffix(entry.Name(), ".log")
		if !isLog {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // replaced just now
		}
		base, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return s, fmt.Errorf("a log file named %q", entry.Name())
		}
		s.sealed += s.active
		s.active, s.activeBase = info.Size(), base
	}
	return s, nil
}

// checkCompacted reads the topic: before the active segment there is one record
// per key, and every key's last update is there.
func checkCompacted(ctx context.Context, b contender, topic string, activeBase int64, updates int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return err
	}
	defer client.Close()
	end := int64(compactionKeys) * int64(updates)
	before := map[string]int{}
	last := map[string]int{}
	for next := int64(0); next < end; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, r := range fetches.Records() {
			update, err := updateOf(r.Value)
			if err != nil {
				return err
			}
			if previous, known := last[string(r.Key)]; known && update <= previous {
				return fmt.Errorf("key %s: update %d at offset %d after update %d", r.Key, update, r.Offset, previous)
			}
			last[string(r.Key)] = update
			if r.Offset < activeBase {
				before[string(r.Key)]++
			}
			next = r.Offset + 1
		}
	}
	for key, n := range before {
		if n != 1 {
			return fmt.Errorf("%d records of key %s before the active segment", n, key)
		}
	}
	for key, update := range last {
		if update != updates-1 {
			return fmt.Errorf("the last update of key %s is %d, %d was sent", key, update, updates-1)
		}
	}
	if len(last) != compactionKeys || len(before) != compactionKeys {
		return fmt.Errorf("%d keys, %d of them before the active segment; want %d", len(last), len(before), compactionKeys)
	}
	return nil
}
