package clients

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/barnabas-mq/barnabas/compat-tests/target"
)

const (
	// longTimeout is one that no test lets pass, shortTimeout one that a test waits for.
	longTimeout  = time.Minute
	shortTimeout = time.Second
)

// transactionBroker looks often for transactions that ran out of time.
func transactionBroker() map[string]string {
	return map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "200"}
}

// transacting is what a scenario of transactions is told with.
type transacting struct {
	*testing.T
	*talker
	judge *judge
	lacks Lacks
	// topic has two partitions and belongs to the scenario.
	topic   string
	usurper bool
}

// TestTransactions: what producers commit, readers see whole, and what they abort
// only readers of the uncommitted; who took over fences who was there.
func TestTransactions(t *testing.T) {
	t.Parallel()
	scenarios := []struct {
		name string
		run  func(x transacting)
	}{
		{"commit-and-abort", commitAndAbort},
		{"offsets", offsetsInTransactions},
		{"transform", transformInTransactions},
		{"open", openHoldsReaders},
		{"zombie", zombieIsFenced},
		{"timeout", timeoutAborts},
	}
	for _, name := range transactors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passes(t, clientNamed(t, name), "transactions")
			program := Install(t, clientNamed(t, name))
			broker := target.Run(t, transactionBroker())
			talker := program.talk(t, "transact", broker.Bootstrap())
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) {
					sayHowToRunAlone(t)
					x := transacting{t, talker, newJudge(t, broker.Bootstrap()), program.Client.Lacks, s.name, slices.Contains(usurpers, name)}
					x.create(s.name)
					s.run(x)
				})
			}
		})
	}
}

func (x transacting) create(topic string) {
	x.Helper()
	if _, err := x.judge.admin.CreateTopic(x.judge.context(), 2, 1, nil, topic); err != nil {
		x.Fatal(err)
	}
}

// producer begins a producer that has the transactional id for itself.
func (x transacting) producer(id string, timeout time.Duration) producer {
	x.Helper()
	return x.producerNamed(id, id, timeout)
}

func (x transacting) producerNamed(name, id string, timeout time.Duration) producer {
	x.Helper()
	p := producer{x.T, x.talker, name}
	p.do(command{Do: "init", ID: id, TimeoutMS: timeout.Milliseconds()})
	return p
}

// reads compares what a reader at an isolation level finds in the partitions.
func (x transacting) reads(isolation string, want ...[]string) (ends map[int32]int64) {
	x.Helper()
	got, ends := x.drain(x.topic, isolation)
	for partition := range want {
		if !slices.Equal(got[int32(partition)], want[partition]) {
			x.Errorf("%s finds %q in partition %d of %s, want %q", isolation, got[int32(partition)], partition, x.topic, want[partition])
		}
	}
	return ends
}

// drain reads a topic and returns the values by partition, and where it stopped.
func (x transacting) drain(topic, isolation string) (values map[int32][]string, ends map[int32]int64) {
	x.Helper()
	if x.lacks.Drain {
		return x.judge.drain(topic, isolation)
	}
	return x.talker.drain(x.T, topic, isolation)
}

// commitAndAbort: over two partitions, what was aborted is there for those who do not ask.
func commitAndAbort(x transacting) {
	p := x.producer("both", longTimeout)
	p.begin()
	p.do(send(x.topic, 0, "a", "b"), send(x.topic, 1, "c"))
	p.commit()
	p.begin()
	p.do(send(x.topic, 0, "no"), send(x.topic, 1, "no", "no"))
	p.abort()
	p.begin()
	p.commit() // of nothing
	p.begin()
	p.do(send(x.topic, 1, "d"))
	p.commit()
	x.untilStable()
	x.reads(committed, []string{"a", "b"}, []string{"c", "d"})
	x.reads(uncommitted, []string{"a", "b", "no"}, []string{"c", "no", "no", "d"})
}

// offsetsInTransactions: a group's offsets are those of the last transaction that was committed.
func offsetsInTransactions(x transacting) {
	const group = "offsets-of-transactions"
	p := x.producer("offsets", longTimeout)
	p.begin()
	p.do(send(x.topic, 0, "a"), offsets(x.topic, group, map[int32]int64{0: 10, 1: 20}))
	if got := x.judge.committed(group, x.topic); len(got) != 0 {
		x.Errorf("before the commit the group is at %v", got)
	}
	p.commit()
	x.committedAt(group, map[int32]int64{0: 10, 1: 20})
	p.begin()
	p.do(offsets(x.topic, group, map[int32]int64{0: 11}))
	p.abort()
	x.committedAt(group, map[int32]int64{0: 10, 1: 20})
	p.begin()
	p.do(offsets(x.topic, group, map[int32]int64{1: 21}), offsets(x.topic, group, map[int32]int64{1: 22}))
	p.commit()
	x.committedAt(group, map[int32]int64{0: 10, 1: 22})
}

// committedAt waits until the broker says so: a commit is answered before its markers are written.
func (x transacting) committedAt(group string, want map[int32]int64) {
	x.Helper()
	x.until(fmt.Sprintf("group %s is at %v", group, want), func() (string, bool) {
		got := x.judge.committed(group, x.topic)
		return fmt.Sprint(got), fmt.Sprint(got) == fmt.Sprint(want)
	})
}

// until asks until the answer is the right one.
func (x transacting) until(aim string, ask func() (answer string, right bool)) {
	x.Helper()
	for end := time.Now().Add(settleTimeout); ; {
		answer, right := ask()
		if right {
			return
		}
		if time.Now().After(end) {
			x.Fatalf("not within %v: %s; the last answer is %s", settleTimeout, aim, answer)
		}
	}
}

// transformInTransactions: a program moves records on and aborts on the way: each
// record is there once, in order, and the group is at the end.
func transformInTransactions(x transacting) {
	const group, each, to = "transform", 60, "transformed"
	x.create(to)
	p := x.producer("source", longTimeout)
	want := make([][]string, 2)
	for round := range 3 {
		p.begin()
		for partition := range want {
			var values []string
			for i := range each / 3 {
				values = append(values, fmt.Sprintf("%d-%d", partition, round*each/3+i))
			}
			p.do(send(x.topic, int32(partition), values...))
			want[partition] = append(want[partition], values...)
		}
		p.commit()
		p.begin()
		p.do(send(x.topic, 0, "no"), send(x.topic, 1, "no"))
		p.abort()
	}
	x.untilStable()
	ends := x.reads(committed, want...)
	x.producer("transform", longTimeout).do(command{Do: "transform", Topic: x.topic, To: to, Group: group, Count: 2 * each, AbortEvery: 3})
	x.until("the group is at the end", func() (string, bool) { return x.groupIsNear(group, ends) })
	got, _ := x.drain(to, committed)
	for partition, values := range want {
		if !slices.Equal(got[int32(partition)], values) {
			x.Errorf("partition %d of the output is %q", partition, got[int32(partition)])
		}
	}
	dirty, _ := x.drain(to, uncommitted)
	if len(dirty[0])+len(dirty[1]) <= 2*each {
		x.Error("nothing was aborted")
	}
}

// groupIsNear tells whether a group is at the ends of its topic, up to the three
// offsets there that hold markers and an aborted record: clients step over them or not.
func (x transacting) groupIsNear(group string, ends map[int32]int64) (answer string, near bool) {
	x.Helper()
	got := x.judge.committed(group, x.topic)
	for partition, end := range ends {
		if at := got[partition]; at < end-3 || at > end {
			return fmt.Sprint(got), false
		}
	}
	return fmt.Sprint(got), true
}

// openHoldsReaders: an open transaction holds readers of the committed at its first
// record, in its partition alone, whatever others commit behind it.
func openHoldsReaders(x transacting) {
	open, other := x.producer("open", longTimeout), x.producer("other", longTimeout)
	other.begin()
	other.do(send(x.topic, 0, "before"))
	other.commit()
	x.untilStable()
	start := x.judge.ends(x.topic)[0]
	open.begin()
	open.do(send(x.topic, 0, "open"))
	other.begin()
	other.do(send(x.topic, 0, "behind"), send(x.topic, 1, "beside"))
	other.commit()
	x.until("the other's commit is done beside", func() (string, bool) { // a commit is answered before its markers are written
		stable, ends := x.stable(), x.judge.ends(x.topic)
		return fmt.Sprintf("stable up to %v of %v", stable, ends), stable[1] == ends[1]
	})
	if ends := x.reads(committed, []string{"before"}, []string{"beside"}); ends[0] != start {
		x.Errorf("readers of the committed stop at %d, the open transaction starts at %d", ends[0], start)
	}
	if stable := x.stable(); stable[0] != start {
		x.Errorf("the last stable offset is %d, the open transaction starts at %d", stable[0], start)
	}
	x.reads(uncommitted, []string{"before", "open", "behind"}, []string{"beside"})
	open.commit()
	x.untilStable()
	x.reads(committed, []string{"before", "open", "behind"}, []string{"beside"})
}

// stable are the last stable offsets.
func (x transacting) stable() map[int32]int64 {
	x.Helper()
	listed, err := x.judge.admin.ListCommittedOffsets(x.judge.context(), x.topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		x.Fatalf("list the stable offsets of %s: %v", x.topic, err)
	}
	stable := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { stable[o.Partition] = o.Offset })
	return stable
}

// untilStable waits until no transaction is open.
func (x transacting) untilStable() {
	x.Helper()
	x.until("no transaction is open", func() (string, bool) {
		stable, ends := x.stable(), x.judge.ends(x.topic)
		return fmt.Sprintf("stable up to %v of %v", stable, ends), fmt.Sprint(stable) == fmt.Sprint(ends)
	})
}

// zombieIsFenced: whatever a producer does next after another has taken its name,
// it is told so, its transaction is aborted, and that of the other stands.
func zombieIsFenced(x transacting) {
	paths := map[string]command{
		"produce": send(x.topic, 0, "no"),
		"commit":  {Do: "commit"},
		"abort":   {Do: "abort"},
		"offsets": offsets(x.topic, "zombies", map[int32]int64{0: 7}),
	}
	var want, all []string
	for _, name := range []string{"produce", "commit", "abort", "offsets"} {
		if name == "produce" && x.usurper {
			continue
		}
		x.Run(name, func(t *testing.T) {
			x := x
			x.T = t
			zombie := x.producer("zombie-"+name, longTimeout)
			zombie.begin()
			zombie.do(send(x.topic, 0, "no "+name))
			heir := x.producerNamed("heir-"+name, "zombie-"+name, longTimeout)
			heir.begin()
			heir.do(send(x.topic, 0, name))
			if x.lacks.OffsetsWait && name == "offsets" {
				zombie.do(paths[name])
				zombie.fenced(paths["commit"])
			} else {
				zombie.fenced(paths[name])
			}
			heir.commit()
		})
		want, all = append(want, name), append(all, "no "+name, name)
	}
	x.untilStable()
	x.reads(committed, want)
	x.reads(uncommitted, all)
	if got := x.judge.committed("zombies", x.topic); len(got) != 0 {
		x.Errorf("a zombie committed the offsets %v", got)
	}
}

// timeoutAborts: a transaction that takes too long is aborted, and its producer is told.
func timeoutAborts(x transacting) {
	slow := x.producer("slow", shortTimeout)
	slow.begin()
	slow.do(send(x.topic, 0, "no"))
	x.untilStable()
	// Java 4.3 is answered with INVALID_TXN_STATE by Kafka 4.3.1, others that they are fenced: all have to begin anew.
	slow.refused(command{Do: "commit"})
	slow.refused(command{Do: "begin"})
	heir := x.producerNamed("heir", "slow", longTimeout)
	heir.begin()
	heir.do(send(x.topic, 0, "yes"))
	heir.commit()
	x.untilStable()
	x.reads(committed, []string{"yes"})
	x.reads(uncommitted, []string{"no", "yes"})
}
