package txn

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/coordinator"
	"github.com/barnabas-mq/barnabas/protocol"
)

var seeds = flag.Uint64("seeds", 200, "how many random histories are played")

// TestRandomHistories: producers of both versions begin, end, go away and come back
// as others, transactions time out, markers fail, and the coordinator dies between
// any two records. Of every transaction it must hold that
//
//   - its markers all say the same, and what its producer was told;
//   - each partition that was added has its marker before the next one begins;
//   - in the end none is open, without anybody's help.
func TestRandomHistories(t *testing.T) {
	for seed := range *seeds {
		h := &history{stage: newStage(t), rng: rand.New(rand.NewPCG(seed, 7)), outcomes: map[coordinator.Producer]bool{}}
		for i := range 3 {
			h.clients = append(h.clients, &client{id: fmt.Sprintf("id%d", i%2), version: int16(i % 3 / 2 * 2)})
		}
		for range 300 {
			h.step()
		}
		h.settle()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// client is one instance of a producer. Two have the same transactional id.
type client struct {
	id       string
	version  int16
	producer coordinator.Producer
	isReady  bool
	// added are the partitions that the coordinator has said are in the transaction.
	added []TopicPartition
}

type history struct {
	*stage
	rng     *rand.Rand
	clients []*client
	// outcomes are what the markers of a producer's epoch said, open the partitions
	// that wait for one, by transactional id.
	outcomes map[coordinator.Producer]bool
}

func (h *history) step() {
	c := h.clients[h.rng.IntN(len(h.clients))]
	switch h.rng.IntN(10) {
	case 0:
		h.restart()
	case 1:
		h.sleep(time.Duration(h.rng.IntN(40)) * time.Second)
	case 2:
		h.write(h.rng.IntN(3) > 0)
	case 3:
		if tx := h.machine.transactions[c.id]; tx != nil && tx.state != Ongoing && !tx.state.isDecided() && tx.producer.Epoch < epochLast-1 {
			h.run([]string{"epoch", c.id, "32765"})
		}
	default:
		h.act(c)
	}
}

// write has the markers written, or some of them, and looks at what they say.
func (h *history) write(all bool) {
	markers := h.markers
	h.markers = nil
	for _, m := range markers {
		if said, ok := h.outcomes[m.Producer]; ok && m.Version >= versionBumping && said != m.Commit {
			h.t.Errorf("the transaction of %v was ended in both ways", m.Producer)
		}
		h.outcomes[m.Producer] = m.Commit
		tx := h.machine.transactions[m.TransactionalID]
		if tx.producer == m.Producer && tx.state.isDecided() && !slices.Equal(tx.partitions, m.Partitions) {
			h.t.Errorf("markers of %v in %v, its transaction has %v", m.Producer, m.Partitions, tx.partitions)
		}
		if all {
			h.do(h.machine.MarkersWritten(h.now, m))
		} else {
			h.markers = append(h.markers, m) // the writer tries again
		}
	}
}

func (h *history) act(c *client) {
	switch {
	case !c.isReady:
		h.begin(c)
	case h.rng.IntN(8) == 0:
		c.isReady = false
	case h.rng.IntN(3) > 0:
		h.addOne(c)
	default:
		h.finish(c)
	}
}

func (h *history) begin(c *client) {
	in := InitInput{TransactionalID: c.id, TimeoutMillis: 30_000, Expected: coordinator.NoProducer, NewID: h.newID()}
	if c.producer.ID > 0 && h.rng.IntN(2) == 0 {
		in.Expected = c.producer
	}
	h.do(h.machine.InitProducerID(h.now, in, func(out InitOutput) {
		switch out.Err {
		case nil:
			c.producer, c.isReady, c.added = out.Producer, true, nil
		case protocol.ErrConcurrentTransactions:
		default:
			c.producer = coordinator.Producer{}
		}
	}))
}

func (h *history) addOne(c *client) {
	p := TopicPartition{Topic: "t", Partition: h.rng.Int32N(4)}
	in := AddInput{TransactionalID: c.id, Producer: c.producer, Partitions: []TopicPartition{p}, Version: c.version}
	h.do(h.machine.AddPartitions(h.now, in, func(out AddOutput) {
		switch out.Err {
		case nil:
			c.added = append(c.added, p)
			if tx := h.machine.transactions[c.id]; tx.producer == in.Producer && !tx.has(p) {
				h.t.Errorf("%v was told that %v is in its transaction", in.Producer, p)
			}
		case protocol.ErrConcurrentTransactions, coordinator.ErrUnavailable:
		default:
			c.isReady = false
		}
	}))
}

func (h *history) finish(c *client) {
	in := EndInput{TransactionalID: c.id, Producer: c.producer, Commit: h.rng.IntN(2) == 0, Version: c.version, NewID: h.newID()}
	before := h.machine.transactions[c.id].durable
	h.do(h.machine.End(h.now, in, func(out EndOutput) {
		switch out.Err {
		case nil:
			tx := h.machine.transactions[c.id]
			if before.state == Ongoing && (tx.willBe(in.Commit) || tx.isDone(in.Commit)) == false {
				h.t.Errorf("%v was told commit %v, its transaction is in %s", in.Producer, in.Commit, tx.state)
			}
			if before.state == Ongoing {
				for _, p := range c.added {
					if _, found := slices.BinarySearchFunc(before.partitions, p, comparePartitions); !found {
						h.t.Errorf("%v was lost from the transaction of %v", p, in.Producer)
					}
				}
			}
			c.added = nil
			if c.version >= versionBumping {
				c.producer = out.Producer
			}
		case protocol.ErrConcurrentTransactions:
		default:
			c.isReady = false
		}
	}))
}

// settle lets everything end that was begun.
func (h *history) settle() {
	for range 10 {
		h.write(true)
		h.sleep(10 * time.Second)
	}
	if open := openIDs(h.machine); len(open) > 0 {
		h.t.Errorf("still open: %v, the first is %+v at %d", open, h.machine.transactions[open[0]], h.now.Wall)
	}
}
