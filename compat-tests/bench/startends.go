package main

import (
	"fmt"
	"slices"
	"time"
)

// topicEnds is where the partitions of topics end.
type topicEnds map[string][]int64

// equalEnds are topics all of whose partitions end at the same offset.
func equalEnds(names []string, partitions int, end int64) topicEnds {
	out := topicEnds{}
	for _, name := range names {
		out[name] = slices.Repeat([]int64{end}, partitions)
	}
	return out
}

// plus are the ends after n more records in every partition.
func (e topicEnds) plus(n int64) topicEnds {
	out := topicEnds{}
	for name, ends := range e {
		for _, end := range ends {
			out[name] = append(out[name], end+n)
		}
	}
	return out
}

// endsOfTopics asks for all ends on one connection, topic by topic.
func endsOfTopics(b contender, names []string, partitions int32) (topicEnds, error) {
	conn, err := dialRaw(b.Bootstrap())
	if err != nil {
		return nil, err
	}
	defer conn.Close() //nolint:errcheck // only read from
	out := topicEnds{}
	for _, name := range names {
		if out[name], err = endsOn(conn, name, partitions); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

// awaitEnds asks a broker that was just started until every partition tells its end, and
// that is where it has to be: a broker may answer Metadata before it has its partitions.
func awaitEnds(b contender, want topicEnds) error {
	conn, err := dialRaw(b.Bootstrap())
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // only read from
	began := time.Now()
	for name, ends := range want {
		for {
			got, err := endsOn(conn, name, int32(len(ends)))
			if err == nil && slices.Equal(got, ends) {
				break
			}
			if err == nil {
				err = differing(got, ends)
			}
			if time.Since(began) > endsPatience {
				return fmt.Errorf("%s, %v after the start: %w", name, endsPatience, err)
			}
			time.Sleep(topicPause)
		}
	}
	return nil
}

// endsPatience is far above what a broker takes to have its partitions once it answers.
const endsPatience = 2 * time.Minute

func differing(got, want []int64) error {
	for partition, end := range want {
		if got[partition] != end {
			return fmt.Errorf("partition %d ends at %d, %d were acknowledged", partition, got[partition], end)
		}
	}
	return nil
}
