package assignor

import (
	"iter"
	"math/rand/v2"
	"testing"
)

// element is one partition of an assignment.
type element struct {
	topic     int
	partition int32
}

func each(a Assignment) iter.Seq[element] {
	return func(yield func(element) bool) {
		for _, entry := range a {
			for _, p := range entry.Partitions {
				if !yield(element{topicIndex(entry.Topic), p}) {
					return
				}
			}
		}
	}
}

// checkShape checks the invariants of an assignment, and that writing behind one
// entry cannot reach the next.
func checkShape(t *testing.T, a Assignment) {
	t.Helper()
	text := assignmentText(a)
	for _, entry := range a {
		_ = append(entry.Partitions, 1<<20)
	}
	if assignmentText(a) != text {
		t.Errorf("appending to an entry makes %s of %s", assignmentText(a), text)
	}
	for i, entry := range a {
		if i > 0 && compareIDs(a[i-1].Topic, entry.Topic) >= 0 {
			t.Errorf("%s: topics are not ascending", assignmentText(a))
		}
		if len(entry.Partitions) == 0 {
			t.Errorf("%s: topic %d is empty", assignmentText(a), topicIndex(entry.Topic))
		}
		for j := 1; j < len(entry.Partitions); j++ {
			if entry.Partitions[j-1] >= entry.Partitions[j] {
				t.Errorf("%s: partitions are not ascending", assignmentText(a))
			}
		}
	}
}

func TestSetOperations(t *testing.T) {
	for _, c := range []struct{ a, b, union, minus, both string }{
		{"-", "-", "-", "-", "-"},
		{"0:1", "-", "0:1", "0:1", "-"},
		{"-", "0:1", "0:1", "-", "-"},
		{"0:1,2", "0:1,2", "0:1,2", "-", "0:1,2"},
		{"0:1,3", "0:2,3,4", "0:1,2,3,4", "0:1", "0:3"},
		{"0:1;2:5", "1:0;2:5,6", "0:1;1:0;2:5,6", "0:1", "2:5"},
		{"0:7;3:1", "1:1;2:2", "0:7;1:1;2:2;3:1", "0:7;3:1", "-"},
		{"1:0,1,2", "1:1", "1:0,1,2", "1:0,2", "1:1"},
	} {
		a, b := mustAssignment(c.a), mustAssignment(c.b)
		for _, op := range []struct {
			name, want string
			got        Assignment
		}{
			{"union", c.union, a.Union(b)},
			{"minus", c.minus, a.Minus(b)},
			{"intersect", c.both, a.Intersect(b)},
		} {
			if got := assignmentText(op.got); got != op.want {
				t.Errorf("%s %s %s = %s, want %s", c.a, op.name, c.b, got, op.want)
			}
		}
		if assignmentText(a) != c.a || assignmentText(b) != c.b {
			t.Errorf("%s and %s became %s and %s", c.a, c.b, assignmentText(a), assignmentText(b))
		}
	}
}

func TestEqualAndCount(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
		count int // of a
	}{
		{"-", "-", true, 0},
		{"0:1", "-", false, 1},
		{"0:1,2;3:0", "0:1,2;3:0", true, 3},
		{"0:1,2;3:0", "0:1,2", false, 3},
		{"0:1,2", "1:1,2", false, 2},
		{"0:1,2", "0:1,3", false, 2},
	} {
		a, b := mustAssignment(c.a), mustAssignment(c.b)
		if a.Equal(b) != c.equal || b.Equal(a) != c.equal {
			t.Errorf("%s equal to %s: want %v", c.a, c.b, c.equal)
		}
		if a.Count() != c.count {
			t.Errorf("%s has %d partitions, want %d", c.a, a.Count(), c.count)
		}
	}
}

// TestSetOperationsAgreeWithMaps compares against sets that are maps.
func TestSetOperationsAgreeWithMaps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 848))
	for range 2000 {
		a, b := randomAssignment(r), randomAssignment(r)
		union, minus, both := a.Union(b), a.Minus(b), a.Intersect(b)
		for _, set := range []Assignment{union, minus, both} {
			checkShape(t, set)
		}
		for topic := range 5 {
			for p := range int32(6) {
				id := topicID(topic)
				inA, inB := has(a, element{topic, p}), has(b, element{topic, p})
				if a.Contains(id, p) != inA || union.Contains(id, p) != (inA || inB) ||
					minus.Contains(id, p) != (inA && !inB) || both.Contains(id, p) != (inA && inB) {
					t.Fatalf("partition %d of topic %d: a %s, b %s, union %s, minus %s, both %s", p, topic,
						assignmentText(a), assignmentText(b), assignmentText(union), assignmentText(minus), assignmentText(both))
				}
			}
		}
	}
}

func has(a Assignment, wanted element) bool {
	for e := range each(a) {
		if e == wanted {
			return true
		}
	}
	return false
}

func randomAssignment(r *rand.Rand) Assignment {
	var a Assignment
	for topic := range 5 {
		var partitions []int32
		for p := range int32(6) {
			if r.IntN(3) == 0 {
				partitions = append(partitions, p)
			}
		}
		if partitions != nil {
			a = append(a, Partitions{Topic: topicID(topic), Partitions: partitions})
		}
	}
	return a
}
