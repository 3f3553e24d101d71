package broker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/coordinator/txn"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

const (
	powerCutSeeds = 12
	powerCutLives = 3
)

// TestTransactionsOverPowerCuts: producers of both versions write to two topics and
// move a group, and the power fails in the middle of it, also while a decision is
// being written. Then nothing that was answered is lost, nothing aborted is seen,
// and what was not answered is there whole or not at all.
func TestTransactionsOverPowerCuts(t *testing.T) {
	for seed := range uint64(powerCutSeeds) {
		s := &cutStory{t: t, rng: rand.New(rand.NewPCG(seed, 11)), fates: map[string]fate{}}
		files := vfs.NewMem()
		for range powerCutLives {
			files = s.live(files)
		}
		s.live(files)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

type fate int

const (
	aborted fate = iota // also by the next instance
	committed
	unknown // the power failed before the answer
)

// cutStory is what the producers know, by value; each transaction has one.
type cutStory struct {
	t     *testing.T
	rng   *rand.Rand
	fates map[string]fate
	next  int64
}

func (s *cutStory) live(files *vfs.Mem) *vfs.Mem {
	crash := []vfs.Crash{vfs.CrashKeepNone, vfs.CrashKeepSome}[s.rng.IntN(2)]
	b := mustOpen(s.t, files, "barnabas.durability=sync", "transaction.state.log.num.partitions=2", "offsets.topic.num.partitions=2")
	defer mustClose(s.t, b)
	c := dial(s.t, b)
	c.topic("t")
	c.topic("u")
	var producers []*transactor
	for i := range 3 {
		x := c.transactor(fmt.Sprint("x", i), i%2 == 0)
		x.must(x.init(60_000))
		c.stateOf(x.id, "Empty")
		producers = append(producers, x)
	}
	s.check(b, c)
	for range s.rng.IntN(12) {
		s.transact(producers[s.rng.IntN(len(producers))], func() {})
	}
	rng := rand.New(rand.NewPCG(s.rng.Uint64(), 1))
	left := make(chan *vfs.Mem, 1)
	i := s.rng.IntN(len(producers)) // leaves its transaction open
	s.begin(producers[i])
	value := s.transact(producers[(i+1)%len(producers)], func() {
		go func() { left <- files.CrashCopy(crash, rng) }()
	})
	if s.fates[value] == committed {
		s.fates[value] = unknown // the disk may have been copied before
	}
	return <-left
}

// begin does all of a transaction but its end, and returns its value.
func (s *cutStory) begin(x *transactor) (value string) {
	s.next++
	value = fmt.Sprintf("%s-%d", x.id, s.next)
	if !x.bumping {
		x.must(x.add("t"), x.add("u"), x.addOffsets(x.id))
	}
	x.must(x.send("t", value))
	x.sequence-- // each partition counts for itself
	x.must(x.send("u", value), x.commitOffset(x.id, "t", s.next))
	s.fates[value] = aborted
	return value
}

// transact does a transaction and returns its value. before is called before its end.
func (s *cutStory) transact(x *transactor, before func()) (value string) {
	value = s.begin(x)
	commit := s.rng.IntN(3) > 0
	before()
	x.must(x.end(commit))
	if commit {
		s.fates[value] = committed
	}
	return value
}

// check compares what readers see with what the producers know, which then know the
// rest.
func (s *cutStory) check(b *Broker, c *client) {
	s.t.Helper()
	seen, stable := c.committedIn("t")
	again, stableAgain := c.committedIn("u")
	if !slices.Equal(seen, again) {
		s.t.Errorf("a transaction is torn: %v in t, %v in u", seen, again)
	}
	for topic, stable := range map[string]int64{"t": stable, "u": stableAgain} {
		if end := int64(b.partitionNamed(txn.TopicPartition{Topic: topic}).Offsets().End); stable != end {
			s.t.Errorf("%s may be read up to %d of %d", topic, stable, end)
		}
	}
	for value, f := range s.fates {
		times := 0
		for _, v := range seen {
			if v == value {
				times++
			}
		}
		switch {
		case times > 1, f == committed && times != 1, f == aborted && times != 0:
			s.t.Errorf("%s is there %d times; its fate is %d", value, times, f)
		case f == unknown && times == 1:
			s.fates[value] = committed
		case f == unknown:
			s.fates[value] = aborted
		}
	}
	last := map[string]int64{}
	for _, value := range seen {
		id, number, _ := strings.Cut(value, "-")
		var n int64
		_, err := fmt.Sscan(number, &n)
		must(s.t, err)
		if n < last[id] {
			s.t.Errorf("%s comes after %d", value, last[id])
		}
		last[id] = n
	}
	for id, n := range last {
		if offset, code := c.committed(id, "t"); code != 0 || offset != n {
			s.t.Errorf("the group of %s is at %d (error %d), its last transaction moved it to %d", id, offset, code, n)
		}
	}
}
