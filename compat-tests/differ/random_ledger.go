package differ

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Ledger counts the requests that two brokers have answered and whose answers were
// compared, by API and version. A nil one counts nothing.
type Ledger struct {
	mu     sync.Mutex
	counts map[version]int
	total  int
}

// Total is how many requests there were.
func (l *Ledger) Total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

func (l *Ledger) note(v version) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[version]int{}
	}
	l.counts[v]++
	l.total++
}

// Missing are the advertised versions that were never compared.
func (l *Ledger) Missing(bench *Bench) (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range bench.Advertised() {
		if l.counts[v] == 0 {
			names = append(names, fmt.Sprintf("%s v%d", kmsg.NameForKey(v.key), v.version))
		}
	}
	return names
}

// String is a line for each API: how many requests, and how many in each version.
func (l *Ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	byKey := map[int16][]version{}
	for v := range l.counts {
		byKey[v.key] = append(byKey[v.key], v)
	}
	keys := make([]int16, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests, %d APIs, %d versions\n", l.total, len(keys), len(l.counts))
	for _, key := range keys {
		slices.SortFunc(byKey[key], func(x, y version) int { return int(x.version - y.version) })
		sum, parts := 0, []string{}
		for _, v := range byKey[key] {
			sum += l.counts[v]
			parts = append(parts, fmt.Sprintf("v%d %d", v.version, l.counts[v]))
		}
		fmt.Fprintf(&b, "%3d %-28s %6d: %s\n", key, kmsg.NameForKey(key), sum, strings.Join(parts, ", "))
	}
	return b.String()
}
