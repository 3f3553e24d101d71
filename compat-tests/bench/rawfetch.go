package main

import "context"

var (
	fetch1MiB  = rawFetch{raw128KiB, true, "raw fetch", bulkFetch}
	fetch64KiB = rawFetch{rawProduce{"", partitions, batch16KiB, 1}, false, "raw fetch 64 KiB per partition", fetchLimits{64 << 10, bulkFetch.wait}}
)

// rawFetch reads a topic that was filled by a raw produce, all partitions in each
// request.
type rawFetch struct {
	load rawProduce
	// shown says that filling the topic is a figure as well.
	shown  bool
	name   string
	limits fetchLimits
}

func (r rawFetch) run(b contender, o options) (phases []phase, err error) {
	err = withTopic(b, r.load.partitions, func(_ context.Context, topic string) error {
		produced, records, err := r.load.produce(b, o, topic)
		if err != nil {
			return err
		}
		if r.shown {
			phases = append(phases, produced)
		}
		if b.Name() == nullBroker {
			return nil
		}
		fetched, err := timed(b, o, r.name, func() (bytes, _ int64, err error) {
			bytes, err = fetchAll(entrance(b), topic, r.load.partitions, records, r.limits)
			return bytes, 0, err
		})
		phases = append(phases, fetched)
		return err
	})
	return phases, err
}
