package soak

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"

	"github.com/barnabas-mq/barnabas/compat-tests/clients"
)

// guest is a client of the matrix whose group takes part in a round.
type guest struct {
	client, protocol string
	// needs are the programs without which it stays away.
	needs []string
}

var (
	needsJava   = []string{"java", "javac", "mvn"}
	needsPython = []string{"python3"}
	needsNode   = []string{"node", "npm"}
)

// guests take turns, one a round.
var guests = []guest{
	{"sarama", "classic", []string{"go"}},
	{"confluent-kafka", "consumer", needsPython},
	{"java-4.3", "classic", needsJava},
	{"kafkajs", "classic", needsNode},
	{"java-4.3", "consumer", needsJava},
	{"kafka-python", "classic", needsPython},
	{"java-3.9", "classic", needsJava},
	{"aiokafka", "classic", needsPython},
	{"confluent-kafka", "classic", needsPython},
}

// visit is a guest's group at work.
type visit struct {
	guest
	workers *clients.Workers
	random  *rand.Rand
}

// guestOf is who comes in a round; nil if nobody can.
func guestOf(round int) *guest {
	able := slices.DeleteFunc(slices.Clone(guests), func(g guest) bool {
		return slices.ContainsFunc(g.needs, func(program string) bool {
			_, err := exec.LookPath(program)
			return err != nil
		})
	})
	if len(able) == 0 {
		return nil
	}
	return &able[round%len(able)]
}

// visit has two members of a guest's group join.
func (w *world) visit(g guest, topic, group string, random *rand.Rand) *visit {
	w.Helper()
	v := &visit{guest: g, random: random}
	v.workers = clients.NewWorkers(w.T, g.client, g.protocol, w.broker.Bootstrap(), topic, group, sharedPartitions, sessionTimeout)
	v.workers.Join()
	v.workers.Join()
	return v
}

// change has a member join, leave, or be killed.
func (v *visit) change() {
	choice := v.random.IntN(4)
	switch n := v.workers.Present(); {
	case n < 2, choice < 2 && n < membersMax:
		v.workers.Join()
	case choice == 2:
		v.workers.Leave()
	default:
		v.workers.Kill()
	}
}

// result is the row of a guest's group.
func (v *visit) result(ends []int64) row {
	unread := v.workers.Reads(ends, settleTimeout)
	r := row{name: "groups of others"}
	for _, end := range ends {
		r.sent += int(end)
	}
	r.acked = r.sent
	var wrong []string
	r.read, wrong = v.workers.Work()
	if unread != nil {
		wrong = append(wrong, "lost: "+unread.Error())
	}
	for i, text := range wrong {
		switch {
		case strings.Contains(text, "which was committed up to"):
			text = "back: " + text
		case strings.Contains(text, "which was read up to"):
			text = "lost: " + text
		}
		wrong[i] = strings.Replace(text, ": ", ": "+v.client+" "+v.protocol+": ", 1)
	}
	r.add(wrong)
	for v.workers.Present() > 0 {
		v.workers.Leave()
	}
	return r
}
