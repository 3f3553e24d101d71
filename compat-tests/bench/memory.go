package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	rssIdleRow      = "RSS idle"
	rssAfterRow     = "RSS after 1 GiB in and out"
	rssProducedRow  = "RSS after 1 GiB in"
	peakProduceRow  = "peak RSS producing"
	peakConsumeRow  = "peak RSS consuming"
	idleBeforeUsage = time.Second
)

// runIdleMemory restarts the broker on the folder that its first start has made,
// which is how every start but one is, asks for Metadata once and leaves it alone
// for a second.
func runIdleMemory(b contender, _ options) ([]phase, error) {
	if err := b.Stop(); err != nil {
		return nil, err
	}
	if err := b.Start(); err != nil {
		return nil, err
	}
	if err := testbed.AskMetadata(b.Bootstrap()); err != nil {
		return nil, err
	}
	time.Sleep(idleBeforeUsage)
	usage, err := b.Usage()
	return []phase{{more: []sample{mebibytes(rssIdleRow, usage.RSS)}}}, err
}

// runInAndOut produces 1 GiB and consumes it by franz-go, which checks what it
// reads. The highest memory is that of the consuming alone.
func runInAndOut(b contender, o options) (phases []phase, err error) {
	count := int64(bigMiB*o.sizeMiB) * mebibyte / recordBytes
	settle(2 * bigMiB * o.sizeMiB << 20)
	err = withTopic(b, partitions, func(ctx context.Context, topic string) error {
		if err := produceRecords(ctx, b, topic, count, recordBytes); err != nil {
			return err
		}
		if err := checkStored(ctx, b, topic, count); err != nil {
			return err
		}
		produced, err := b.Usage()
		if err != nil {
			return err
		}
		if err := resetPeak(b.PID()); err != nil {
			return err
		}
		if err := consumeRecords(ctx, b, topic, count); err != nil {
			return err
		}
		consumed, err := b.Usage()
		phases = []phase{{notes: asNamed("MiB in and out", bigMiB*o.sizeMiB, 1024), more: []sample{
			mebibytes(rssProducedRow, produced.RSS), mebibytes(peakProduceRow, produced.PeakRSS),
			mebibytes(rssAfterRow, consumed.RSS), mebibytes(peakConsumeRow, consumed.PeakRSS),
		}}}
		return err
	})
	return phases, err
}

// resetPeak makes the highest resident memory of a process that of now. Linux has
// it in proc(5): a 5 written to clear_refs.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
