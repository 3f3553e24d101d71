package testbed

import (
	"fmt"
	"strings"
	"testing"
)

// reportMax bounds what Report tells of one kind.
const reportMax = 5

// kindLength is how much of a text, without its numbers, says of what kind it is:
// "partition : reordered: va".
const kindLength = 24

// Report fails the test with findings: some of each kind, so that the thousandth of one
// does not hide the first of another, and how many there are more.
func Report(t testing.TB, findings []string) {
	t.Helper()
	for _, text := range someOfEach(findings) {
		t.Error(text)
	}
}

func someOfEach(findings []string) (some []string) {
	count := map[string]int{}
	left := 0
	for _, text := range findings {
		kind := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, text)
		kind = kind[:min(len(kind), kindLength)]
		if count[kind]++; count[kind] > reportMax {
			left++
			continue
		}
		some = append(some, text)
	}
	if left > 0 {
		some = append(some, fmt.Sprintf("and %d more like these", left))
	}
	return some
}
