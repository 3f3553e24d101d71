package assignor

import (
	"os"
	"strings"
	"testing"
)

// TestAnswersAreThoseOfApacheKafka assigns groups that Apache Kafka 4.3.1 has
// assigned and compares, partition by partition. The head of the file tells its
// form. Kafka goes through hash sets, so which partition goes where is not part of
// its contract; the groups were recorded such that its sets were in order.
func TestAnswersAreThoseOfApacheKafka(t *testing.T) {
	text, err := os.ReadFile("testdata/recorded.txt")
	if err != nil {
		t.Fatal(err)
	}
	var a Assignor
	var g Group
	var want []string
	cases := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch words[0] {
		case "case":
			a, g, want = ByName(words[1]), Group{}, nil
		case "topics":
			g.Topics = topicsOf(mustNumbers(strings.Join(words[1:], ","))...)
		case "member":
			m := Member{ID: words[1], Topics: mustNumbers(words[3]), Target: mustAssignment(words[4])}
			if words[2] != "-" {
				m.InstanceID = &words[2]
			}
			g.Members = append(g.Members, m)
			want = append(want, words[5])
		case "end":
			cases++
			for m, target := range a.Assign(&g) {
				if got := assignmentText(target); got != want[m] {
					t.Errorf("case %d, %s, %s has\n%s, Kafka gave it\n%s", cases, a.Name(), g.Members[m].ID, got, want[m])
				}
			}
		}
	}
	if cases < 80 {
		t.Errorf("%d cases were read", cases)
	}
}
