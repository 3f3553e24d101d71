package group

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/barnabas-mq/barnabas/protocol"
)

// TestOffsetTable compares the tables of two groups with maps, while they grow
// over the size at which they are indexed and shrink again.
func TestOffsetTable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := NewMachine(DefaultConfig(), func() string { return "" })
	groups := []*group{m.groupOrNew("a"), m.groupOrNew("b")}
	models := []map[topicPartition]committed{{}, {}}
	ids := []protocol.UUID{{}, {1}, {2}}
	indexed, emptied := 0, 0
	for step := range 20_000 {
		i := r.IntN(2)
		g, model := groups[i], models[i]
		tp := topicPartition{fmt.Sprint("t", r.IntN(4)), int32(r.IntN(10))}
		removes := 3
		if step/1000%2 == 1 {
			removes = 10
		}
		if r.IntN(10) < removes {
			m.removeOffset(g, tp)
			delete(model, tp)
		} else {
			c := committed{
				offset: protocol.Offset(step), leaderEpoch: protocol.Epoch(r.IntN(3) - 1), expireAt: protocol.Timestamp(r.IntN(3) - 1),
				metadata: []string{"", "note"}[r.IntN(2)], committedAt: 5, journaledAt: protocol.Offset(step), topicID: ids[r.IntN(3)],
			}
			m.setOffset(g, tp, c)
			model[tp] = c
		}
		if got, ok := g.offset(tp); got != model[tp] || ok != (model[tp] != committed{}) {
			t.Fatalf("step %d: %v is %+v, %t, want %+v", step, tp, got, ok, model[tp])
		}
		if len(g.offsets) != len(model) {
			t.Fatalf("step %d: %d offsets, want %d", step, len(g.offsets), len(model))
		}
		uses := map[topicKey]int{}
		for i, g := range groups {
			for tp, want := range models[i] {
				if got, _ := g.offset(tp); got != want {
					t.Fatalf("step %d: %v is %+v, want %+v", step, tp, got, want)
				}
				uses[topicKey{tp.topic, want.topicID}]++
			}
		}
		for key, topic := range m.topics {
			if topic.uses != uses[key] {
				t.Fatalf("step %d: topic %v is used %d times, want %d", step, key, topic.uses, uses[key])
			}
		}
		if len(m.topics) != len(uses) {
			t.Fatalf("step %d: %d topics, want %d", step, len(m.topics), len(uses))
		}
		if g.index != nil {
			indexed++
		}
		if len(g.offsets) == 0 {
			emptied++
		}
	}
	if indexed == 0 || emptied == 0 {
		t.Errorf("indexed in %d steps, empty in %d", indexed, emptied)
	}
}
