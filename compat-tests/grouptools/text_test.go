package grouptools

import "testing"

// Ids and the order of lines go, who has what stays.
func TestNormaliseKeepsWhatMatters(t *testing.T) {
	const (
		a = "g one 1 reader-11111111-2222-3333-4444-555555555555 /127.0.0.1\ng one 0 reader-99999999-2222-3333-4444-555555555555 /127.0.0.1\n"
		// Other ids, and the lines the other way round.
		b = "g one 0 reader-00000000-2222-3333-4444-555555555555 /127.0.0.1\ng one 1 reader-aaaaaaaa-2222-3333-4444-555555555555 /127.0.0.1\n"
		// One member has both partitions.
		c = "g one 0 reader-00000000-2222-3333-4444-555555555555 /127.0.0.1\ng one 1 reader-00000000-2222-3333-4444-555555555555 /127.0.0.1\n"
		// The ids of the consumer protocol.
		d = "g one 0 AAAAAAAAAAAAAAAAAAAAAA /127.0.0.1\ng one 1 -AAAAAAAAAAAAAAAAAAAA_ /127.0.0.1\n"
		e = "g one 0 BAAAAAAAAAAAAAAAAAAAAA /127.0.0.1\ng one 1 CAAAAAAAAAAAAAAAAAAAAA /127.0.0.1\n"
	)
	clean := func(text string) string { return normalise(text, "127.0.0.1:1") }
	if clean(a) != clean(b) {
		t.Errorf("differ:\n%s%s", clean(a), clean(b))
	}
	if clean(a) == clean(c) {
		t.Errorf("one member looks like two:\n%s", clean(c))
	}
	if clean(d) != clean(e) {
		t.Errorf("differ:\n%s%s", clean(d), clean(e))
	}
}

// Tables have the names of producers, and no times of the broker's clock.
func TestNamesOfProducers(t *testing.T) {
	p := &producers{all: map[string]*producer{"one": {id: 7}}}
	const (
		table = "TransactionalId\tCoordinator\tProducerId\tTransactionDurationMs\none            \t7          \t7         \t1234\ntwo\t1\t17\tNone\n"
		want  = "TransactionalId Coordinator ProducerId TransactionDurationMs\none 7 <one> <time>\ntwo 1 <other> None\n"
	)
	if got := p.name(table); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := p.name("7 of 7\n"); got != "7 of 7\n" {
		t.Errorf("what is no table becomes %q", got)
	}
}
