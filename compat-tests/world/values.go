package world

import "fmt"

// AtLeastOnce says what is wrong when values, different ones, are not in order, none
// left out, but for a step back now and then, from which everything follows again.
func AtLeastOnce(got, want []string) string {
	place := map[string]int{}
	for i, value := range want {
		place[value] = i
	}
	at := -1
	for i, value := range got {
		now, due := place[value]
		switch {
		case !due:
			return fmt.Sprintf("record %d is %q, which is due nowhere", i, value)
		case now > at+1:
			return fmt.Sprintf("record %d is %q, number %d, which follows number %d", i, value, now, at)
		}
		at = now
	}
	if at != len(want)-1 {
		return fmt.Sprintf("the last of %d records is number %d, not %d", len(got), at, len(want)-1)
	}
	return ""
}
