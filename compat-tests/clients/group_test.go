package clients

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// sessionTimeout is the least that a broker with Kafka's defaults accepts
	// (group.min.session.timeout.ms).
	sessionTimeout = 6 * time.Second
	// rebalanceSlack is what may pass beside the session timeout until the
	// survivor owns all: its next heartbeat (a tenth of the session), a join, a
	// sync and the callbacks of the slowest runtime on two busy cores.
	rebalanceSlack = 4 * time.Second
)

// shareGroup: a second member joins the first, and they share three partitions with none in common; the second is
// killed, and its partitions move to the other within the session timeout;
// another group reads all again; of four members one is left over and idles;
// then all leave, and the group is empty.
func shareGroup(t *testing.T, broker testbed.Target, client Program) {
	const topic, groupName = "shared", "shared-group"
	judge := newJudge(t, broker.Bootstrap())
	client.Create(t, broker.Bootstrap(), topic, topicPartitions)
	s := &sharing{T: t, client: client, bootstrap: broker.Bootstrap(), topic: topic,
		group: newGroup(t, client, broker.Bootstrap(), topic, groupName, sessionTimeout)}

	s.produce(300)
	survivor := s.group.join("survivor")
	s.group.await(settleTimeout, "the first member owns all partitions", func() bool { return len(survivor.owned) == topicPartitions })
	victim := s.group.join("victim")
	s.group.await(settleTimeout, "both members own a part of the partitions", func() bool {
		return s.group.shared(topicPartitions) && len(survivor.owned) > 0 && len(victim.owned) > 0
	})
	judge.awaitGroup(settleTimeout, groupName, "Stable", 2)
	s.eachReadByItsOwner("shared by two", 30)

	killed := time.Now()
	victim.kill()
	s.group.await(sessionTimeout+rebalanceSlack, "the survivor owns all partitions", func() bool {
		return len(survivor.owned) == topicPartitions
	})
	t.Logf("the partitions of a killed member moved after %v (session timeout %v)",
		time.Since(killed).Round(10*time.Millisecond), sessionTimeout)
	judge.awaitGroup(settleTimeout, groupName, "Stable", 1)
	s.eachReadByItsOwner("all with the survivor", 30)

	records, _ := client.Consume(t, broker.Bootstrap(), topic, "another-group", s.produced)
	times := make(map[int]int)
	for _, r := range records {
		times[indexOf(r)]++
	}
	if err := once(times, s.produced); err != nil {
		t.Errorf("another group: %v", err)
	}

	for i := range topicPartitions {
		s.group.join(fmt.Sprintf("late-%d", i))
	}
	judge.awaitGroup(settleTimeout, groupName, "Stable", topicPartitions+1)
	s.group.await(settleTimeout, "each of three members owns one partition, the fourth none", func() bool {
		return s.group.shared(topicPartitions) && !slices.ContainsFunc(s.group.members, func(m *member) bool {
			return !m.gone && len(m.owned) > 1
		})
	})
	s.eachReadByItsOwner("with a surplus member", 30)

	for _, m := range s.group.members {
		if !m.gone {
			m.leave()
		}
	}
	judge.awaitGroup(settleTimeout, groupName, "Empty", 0)
}

// sharing is the running scenario.
type sharing struct {
	*testing.T
	client           Program
	bootstrap, topic string
	group            *group
	produced         int
}

func (s *sharing) produce(count int) {
	s.Helper()
	s.client.Produce(s.T, s.bootstrap, s.topic, "none", makeRecords(s.produced, count, s.client.Client.Lacks))
	s.produced += count
}

// eachReadByItsOwner produces while the group is stable: every record is read
// once, by the owner of its partition, and everything before it has been read.
func (s *sharing) eachReadByItsOwner(when string, count int) {
	s.Helper()
	from := s.produced
	s.produce(count)
	s.group.await(settleTimeout, when+": every record is read", func() bool { return len(s.group.read()) == s.produced })
	s.group.mu.Lock()
	defer s.group.mu.Unlock()
	times := s.group.read()
	for index := from; index < s.produced; index++ {
		if times[index] != 1 {
			s.Errorf("%s: record %d was read %d times", when, index, times[index])
		}
	}
	for _, m := range s.group.members {
		for _, r := range m.records {
			if indexOf(r) >= from && !slices.Contains(m.owned, r.Partition) {
				s.Errorf("%s: member %s, which owns %v, read record %d of partition %d", when, m.name, m.owned, indexOf(r), r.Partition)
			}
			if err := checkRecord(r, s.client.Client.Lacks); err != nil {
				s.Errorf("%s: member %s: %v", when, m.name, err)
			}
		}
	}
}
