package disk_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// crashPoints copies the disk ahead of every operation that changes it, with what
// was promised by then.
type crashPoints struct {
	t    *testing.T
	mem  *vfs.Mem
	want outcome

	mu struct {
		sync.Mutex
		known  model
		points []crashPoint
	}
}

type crashPoint struct {
	op    vfs.Op
	known model
	left  []*vfs.Mem
}

func (c *crashPoints) publish(known model) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.known = known
}

func (c *crashPoints) before(op vfs.Op) error {
	if !op.Kind.Changes() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	point := crashPoint{op: op, known: c.mu.known}
	for seed := range c.want.seeds {
		point.left = append(point.left, c.mem.CrashCopy(c.want.crash, rand.New(rand.NewPCG(uint64(op.Index), seed))))
	}
	c.mu.points = append(c.mu.points, point)
	return nil
}

func (c *crashPoints) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.mu.points)
}

func (c *crashPoints) checkAll() {
	c.t.Helper()
	c.mu.Lock()
	points := c.mu.points
	c.mu.Unlock()
	for i, p := range points {
		for seed, left := range p.left {
			if err := checkCrash(c.t, left, p.known, c.want, uint64(p.op.Index)*8+uint64(seed)); err != nil {
				c.t.Fatalf("crash before operation %d (%s %s), point %d, seed %d: %v", p.op.Index, p.op.Kind, p.op.Name, i, seed, err)
			}
			c.mu.Lock()
			points[i].left[seed] = nil // each copy is large
			c.mu.Unlock()
		}
	}
}
