package assignor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSimple: partitions are shared out as Apache Kafka 4.3.1's SimpleAssignor does,
// as far as that does not hang on the order of its hash sets.
func TestSimple(t *testing.T) {
	for _, test := range []struct {
		name    string
		topics  []string // assignable partitions of each topic
		members []string // "topics target"
		want    []string
	}{
		{"nobody", []string{"0,1"}, nil, nil},
		{"one member has all", []string{"0,1", "0"}, []string{"0,1 -"}, []string{"0:0,1;1:0"}},
		{"more partitions than members", []string{"0,1,2"}, []string{"0 -", "0 -"}, []string{"0:0,2", "0:1"}},
		{"more members than partitions", []string{"0,1"}, []string{"0 -", "0 -", "0 -"}, []string{"0:0,1", "0:0", "0:1"}},
		{"what one has it keeps", []string{"0,1,2"}, []string{"0 0:0,1,2", "0 -"}, []string{"0:0,1", "0:2"}},
		{"a shared partition stays with as many as it needs", []string{"0,1"}, []string{"0 0:0", "0 0:0"}, []string{"0:0", "0:1"}},
		{"nothing to assign yet", []string{"-"}, []string{"0 -"}, []string{"-"}},
		{"not assignable any more", []string{"1"}, []string{"0 0:0,1"}, []string{"0:1"}},
		{"different topics", []string{"0,1", "0"}, []string{"0 -", "0,1 -", "1 -"}, []string{"0:0", "0:1;1:0", "1:0"}},
		{"a topic that one does not read any more", []string{"0,1", "0"}, []string{"1 0:0,1", "0 -"}, []string{"1:0", "0:0,1"}},
		{"no topics", []string{}, []string{"- 0:0"}, []string{"-"}},
	} {
		topics, members := sharedTopics(test.topics), sharedMembers(test.members)
		var got []string
		for _, a := range Simple(topics, members) {
			got = append(got, assignmentText(a))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func sharedTopics(texts []string) []SharedTopic {
	topics := make([]SharedTopic, len(texts))
	for i, text := range texts {
		topics[i] = SharedTopic{ID: topicID(i), Partitions: mustNumbers(text)}
	}
	return topics
}

func sharedMembers(texts []string) []Member {
	members := make([]Member, len(texts))
	for i, text := range texts {
		var topics, target string
		fmt.Sscan(text, &topics, &target)
		members[i] = Member{ID: fmt.Sprintf("m%03d", i), Topics: mustNumbers(topics), Target: mustAssignment(target)}
	}
	return members
}

// TestSimpleSharesEvenly: whatever the members had before, every partition that
// somebody reads has an owner and none has more than it needs, nobody owns what it
// does not read, and nobody is above its even part; a second assignment changes
// nothing for members that all read the same.
func TestSimpleSharesEvenly(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	for range 3000 {
		topics, members := randomShared(r)
		targets := Simple(topics, members)
		checkShared(t, topics, members, targets)
		for i := range members {
			members[i].Target = targets[i]
		}
		again := Simple(topics, members)
		checkShared(t, topics, members, again)
		for i := range again {
			if !again[i].Equal(targets[i]) {
				t.Fatalf("member %d had %s, has then %s", i, assignmentText(targets[i]), assignmentText(again[i]))
			}
		}
	}
}

func randomShared(r *rand.Rand) ([]SharedTopic, []Member) {
	some := func(n int) (picked []int32) {
		for i := range n {
			if r.IntN(3) > 0 {
				picked = append(picked, int32(i))
			}
		}
		return picked
	}
	topics := make([]SharedTopic, 1+r.IntN(4))
	for i := range topics {
		topics[i] = SharedTopic{ID: topicID(i), Partitions: some(r.IntN(7))}
	}
	same := some(len(topics))
	members := make([]Member, r.IntN(9))
	for i := range members {
		m := &members[i]
		m.ID, m.Topics = fmt.Sprintf("m%03d", i), same
		if r.IntN(4) == 0 {
			m.Topics = some(len(topics))
		}
		for t := range 5 { // one more than there can be
			if partitions := some(r.IntN(8)); len(partitions) > 0 {
				m.Target = append(m.Target, Partitions{Topic: topicID(t), Partitions: partitions})
			}
		}
	}
	return topics, members
}

func checkShared(t *testing.T, topics []SharedTopic, members []Member, targets []Assignment) {
	t.Helper()
	for _, pool := range poolsOf(topics, members) {
		if len(pool.members) == 0 {
			continue
		}
		ownersMax := 0
		if n := len(pool.partitions); n > 0 {
			ownersMax = (len(pool.members) + n - 1) / n
		}
		owners := map[ownedPartition]int{}
		for i, member := range pool.members {
			count := 0
			for _, one := range pool.partitions {
				if targets[member].Contains(topics[one.topic].ID, one.partition) {
					owners[one]++
					count++
				}
			}
			if ownersMax > 0 && count > pool.quota(i, ownersMax) {
				t.Fatalf("member %d owns %d of a pool, its part is %d", member, count, pool.quota(i, ownersMax))
			}
		}
		for _, one := range pool.partitions {
			if owners[one] == 0 || owners[one] > ownersMax {
				t.Fatalf("partition %v has %d owners, at most %d are wanted", one, owners[one], ownersMax)
			}
		}
	}
	for i, a := range targets {
		for _, p := range a {
			topic := int32(topicIndex(p.Topic))
			if _, reads := slices.BinarySearch(members[i].Topics, topic); !reads {
				t.Fatalf("member %d owns %s and reads %v", i, assignmentText(a), members[i].Topics)
			}
			for _, partition := range p.Partitions {
				if _, ok := slices.BinarySearch(topics[topic].Partitions, partition); !ok {
					t.Fatalf("member %d owns %s, assignable are %v", i, assignmentText(a), topics[topic].Partitions)
				}
			}
		}
	}
}
