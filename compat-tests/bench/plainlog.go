package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	// plainLogBytes is the size of the file that a plain log is written to, again and again.
	plainLogBytes = 64 << 20
	// plainLogWrites make a measurement, fewer where they would be more than plainLogMost.
	plainLogWrites = 1_000
	plainLogMost   = 256 << 20

	plainLogUnit     = "x of a plain log"
	plainLogRateUnit = "MB/s of a plain log"
	plainLogP50Unit  = "p50 ms of a plain log"
)

// plainLog is what a disk gives to a log that does nothing else: one writer that appends a
// group of batches, each with one synchronous write (O_DSYNC) to a file that was filled
// with zeroes before, so that no block has to be found for it.
type plainLog struct {
	// bytesPerSecond of all writes together, p50 of a single one.
	bytesPerSecond float64
	p50            time.Duration
}

// measurePlainLog writes groups of so many bytes to a file in folder, which it removes.
func measurePlainLog(folder string, group, writes int) (_ plainLog, err error) {
	file, err := zeroFilled(folder, plainLogBytes)
	if err != nil {
		return plainLog{}, fmt.Errorf("a plain log: %w", err)
	}
	defer os.Remove(file) //nolint:errcheck // the folder of the run goes anyway
	f, err := os.OpenFile(file, os.O_WRONLY|dataSync, 0)
	if err != nil {
		return plainLog{}, fmt.Errorf("a plain log: %w", err)
	}
	defer f.Close() //nolint:errcheck // every write was synchronous
	payload := filler(group)
	took := make([]time.Duration, 0, writes)
	began, last := time.Now(), time.Now()
	for i := range writes {
		at := int64(i % max(1, plainLogBytes/group) * group)
		if _, err := f.WriteAt(payload, at); err != nil {
			return plainLog{}, fmt.Errorf("a plain log: %w", err)
		}
		now := time.Now()
		took = append(took, now.Sub(last))
		last = now
	}
	slices.Sort(took)
	return plainLog{float64(writes) * float64(group) / last.Sub(began).Seconds(), quantile(took, 500)}, nil
}

// zeroFilled makes a file whose blocks are all written and on the disk.
func zeroFilled(folder string, size int) (name string, err error) {
	f, err := os.CreateTemp(folder, "bench-log-")
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // synced below
	zeroes := make([]byte, 1<<20)
	for left := size; left > 0 && err == nil; left -= len(zeroes) {
		_, err = f.Write(zeroes[:min(left, len(zeroes))])
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return f.Name(), err
}

// besidePlainLog measures a plain log right after a durable load, on the same disk. With
// group bytes to a write it tells how fast the load was beside it: by rate, or for one
// request at a time by the median.
func besidePlainLog(p phase, group int) ([]sample, error) {
	l, err := measurePlainLog(os.TempDir(), group, max(1, min(plainLogWrites, plainLogMost/group)))
	if err != nil {
		return nil, err
	}
	return l.figures(p), nil
}

func (l plainLog) figures(p phase) []sample {
	if p.bytes > 0 {
		return []sample{
			{p.name, plainLogUnit, higher, float64(p.bytes) / p.wall.Seconds() / l.bytesPerSecond},
			{p.name, plainLogRateUnit, higher, l.bytesPerSecond / 1e6},
		}
	}
	sorted := slices.Sorted(slices.Values(p.latencies))
	return []sample{
		{p.name, plainLogUnit, higher, l.p50.Seconds() / quantile(sorted, 500).Seconds()},
		{p.name, plainLogP50Unit, lower, exactMillis(l.p50)},
	}
}
