package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var errDiskFull = errors.New("the disk is full")

// quotaEntry is a change for an entity, written type=name,... with a name of "-" for the default.
func quotaEntry(entity, key string, value float64) kmsg.AlterClientQuotasRequestEntry {
	e := kmsg.NewAlterClientQuotasRequestEntry()
	for _, part := range strings.Split(entity, ",") {
		one := kmsg.NewAlterClientQuotasRequestEntryEntity()
		kind, name, _ := strings.Cut(part, "=")
		if one.Type = kind; name != "-" {
			one.Name = &name
		}
		e.Entity = append(e.Entity, one)
	}
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value, op.Remove = key, value, value == 0
	e.Ops = append(e.Ops, op)
	return e
}

func quotaRequest(entries ...kmsg.AlterClientQuotasRequestEntry) *kmsg.AlterClientQuotasRequest {
	q := kmsg.NewPtrAlterClientQuotasRequest()
	q.Entries = entries
	return q
}

func alterQuotas(w *world, validateOnly bool, entries ...kmsg.AlterClientQuotasRequestEntry) []int16 {
	q := quotaRequest(entries...)
	q.ValidateOnly = validateOnly
	var codes []int16
	for _, e := range ask[*kmsg.AlterClientQuotasResponse](w, 1, q).Entries {
		codes = append(codes, e.ErrorCode)
	}
	return codes
}

func quotaFilterPart(kind string, match kmsg.QuotasMatchType, name ...string) kmsg.DescribeClientQuotasRequestComponent {
	c := kmsg.NewDescribeClientQuotasRequestComponent()
	c.EntityType, c.MatchType = kind, match
	if len(name) > 0 {
		c.Match = &name[0]
	}
	return c
}

// describeQuotas tells the entities in words, or the error.
func describeQuotas(w *world, strict bool, filter ...kmsg.DescribeClientQuotasRequestComponent) string {
	q := kmsg.NewPtrDescribeClientQuotasRequest()
	q.Components, q.Strict = filter, strict
	p := ask[*kmsg.DescribeClientQuotasResponse](w, 1, q)
	if p.ErrorCode != 0 {
		return protocol.ErrorForCode(p.ErrorCode).Name
	}
	var told []string
	for _, e := range p.Entries {
		text := ""
		for _, part := range e.Entity {
			name := "-"
			if part.Name != nil {
				name = *part.Name
			}
			text += part.Type + "=" + name + " "
		}
		for _, v := range e.Values {
			text += fmt.Sprint(v.Key[:1], v.Value)
		}
		told = append(told, text)
	}
	slices.Sort(told)
	return strings.Join(told, ", ")
}

// Quotas are set per entity, shown by filters, survive a restart, and go.
func TestClientQuotas(t *testing.T) {
	w := newWorld(t)
	if codes := alterQuotas(w, true, quotaEntry("user=x", "producer_byte_rate", 1)); !slices.Equal(codes, []int16{0}) || describeQuotas(w, false) != "" {
		t.Errorf("only checked: %v, %s", codes, describeQuotas(w, false))
	}
	bad := protocol.ErrInvalidRequest.Code
	codes := alterQuotas(w, false,
		quotaEntry("user=x", "producer_byte_rate", 1), quotaEntry("user=-", "producer_byte_rate", 2), quotaEntry("client-id=c", "producer_byte_rate", 3),
		quotaEntry("user=x,client-id=c", "producer_byte_rate", 4), quotaEntry("client-id=-,user=x", "producer_byte_rate", 5),
		quotaEntry("ip=127.0.0.1", "connection_creation_rate", 6), quotaEntry("user=y", "nonsense", 7), quotaEntry("ip=::1", "connection_creation_rate", 8))
	if want := []int16{0, 0, 0, 0, 0, 0, bad, 0}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	w.restart()
	const exact, byDefault, anyName = kmsg.QuotasMatchTypeExact, kmsg.QuotasMatchTypeDefault, kmsg.QuotasMatchTypeAny
	part := quotaFilterPart
	type filter = []kmsg.DescribeClientQuotasRequestComponent
	for _, c := range []struct {
		filter filter
		strict bool
		want   string
	}{
		{nil, false, "client-id=- user=x p5, client-id=c p3, client-id=c user=x p4, ip=127.0.0.1 c6, ip=::1 c8, user=- p2, user=x p1"},
		{nil, true, ""},
		{filter{part("user", exact, "x")}, false, "client-id=- user=x p5, client-id=c user=x p4, user=x p1"},
		{filter{part("user", exact, "x")}, true, "user=x p1"},
		{filter{part("user", byDefault)}, true, "user=- p2"},
		{filter{part("user", anyName)}, true, "user=- p2, user=x p1"},
		{filter{part("user", exact, "x"), part("client-id", byDefault)}, false, "client-id=- user=x p5"},
		{filter{part("user", anyName), part("client-id", anyName)}, true, "client-id=- user=x p5, client-id=c user=x p4"},
		{filter{part("user", exact, "-")}, false, ""},
		{filter{part("ip", exact, "::1")}, false, "ip=::1 c8"},
		{filter{part("", anyName)}, false, "INVALID_REQUEST"},
		{filter{part("group", anyName)}, false, "UNSUPPORTED_VERSION"},
		{filter{part("user", anyName), part("user", byDefault)}, false, "INVALID_REQUEST"},
		{filter{part("user", exact)}, false, "INVALID_REQUEST"},
		{filter{part("user", byDefault, "x")}, false, "INVALID_REQUEST"},
		{filter{part("user", anyName, "x")}, false, "INVALID_REQUEST"},
		{filter{part("user", 3)}, false, "INVALID_REQUEST"},
		{filter{part("ip", anyName), part("user", anyName)}, false, "INVALID_REQUEST"},
	} {
		if got := describeQuotas(w, c.strict, c.filter...); got != c.want {
			t.Errorf("filter %+v, strict %v: %s, want %s", c.filter, c.strict, got, c.want)
		}
	}
	codes = alterQuotas(w, false, quotaEntry("user=x", "producer_byte_rate", 0), quotaEntry("client-id=c", "producer_byte_rate", 9), quotaEntry("client-id=c", "producer_byte_rate", 10))
	if want := []int16{0, bad}; !slices.Equal(codes, want) {
		t.Errorf("an entity twice: %v, want %v", codes, want)
	}
	if got := describeQuotas(w, true, part("user", exact, "x")) + describeQuotas(w, true, part("client-id", exact, "c")); got != "client-id=c p9" {
		t.Errorf("afterwards: %s", got)
	}
	w.journal.setFail(errDiskFull)
	if codes := alterQuotas(w, false, quotaEntry("user=z", "producer_byte_rate", 1)); !slices.Equal(codes, []int16{protocol.ErrKafkaStorageError.Code}) {
		t.Errorf("on a full disk: %v", codes)
	}
	w.journal.setFail(nil)
}

// setLookUp gives the world's broker a resolver.
func (w *world) setLookUp(f func(ctx context.Context, name string) error) { w.lookUpHost.Store(&f) }

func hostEntry(name string) kmsg.AlterClientQuotasRequestEntry {
	return quotaEntry("ip="+name, "connection_creation_rate", 1)
}

// Names of hosts are looked up once each, in the request's order, and only where
// nothing else is wrong; addresses are not.
func TestQuotaHostNames(t *testing.T) {
	w := newWorld(t)
	asked := make(chan string, 100)
	w.setLookUp(func(_ context.Context, name string) error {
		asked <- name
		if name == "nowhere" {
			return errors.New("no such host")
		}
		return nil
	})
	bad := protocol.ErrInvalidRequest.Code
	codes := alterQuotas(w, false, hostEntry("z"), hostEntry("10.0.0.1"), hostEntry("nowhere"), quotaEntry("ip=n", "nonsense", 1), hostEntry("::1"), hostEntry("a"))
	if want := []int16{0, 0, bad, bad, 0, 0}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	var names []string
	for len(asked) > 0 { // all that is asked is asked before the answer
		names = append(names, <-asked)
	}
	if got := strings.Join(names, " "); got != "z nowhere a" {
		t.Errorf("asked for %q", got)
	}
}

// A request may name so many hosts, and any number of addresses.
func TestQuotaHostNamesMax(t *testing.T) {
	w := newWorld(t)
	w.setLookUp(func(context.Context, string) error { return nil })
	var entries []kmsg.AlterClientQuotasRequestEntry
	var want []int16
	for i := range hostNamesMax + 2 {
		entries = append(entries, hostEntry(fmt.Sprint("host", i)), hostEntry(fmt.Sprint("10.0.0.", i)))
		code := int16(0)
		if i >= hostNamesMax {
			code = protocol.ErrPolicyViolation.Code
		}
		want = append(want, code, 0)
	}
	if codes := alterQuotas(w, false, entries...); !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
}

// When the time is over, names that are not known yet are refused for that reason;
// what was found before and addresses are not.
func TestQuotaHostTimeout(t *testing.T) {
	w := newWorld(t)
	w.setLookUp(func(ctx context.Context, name string) error {
		if name == "found" {
			return nil
		}
		w.clock.Advance(lookUpTimeout - time.Millisecond)
		if ctx.Err() != nil {
			t.Errorf("%s: the context ended early", name)
		}
		w.clock.Advance(time.Millisecond)
		<-ctx.Done()
		return ctx.Err()
	})
	late := protocol.ErrRequestTimedOut.Code
	codes := alterQuotas(w, false, hostEntry("found"), hostEntry("slow"), hostEntry("behind"), hostEntry("10.0.0.1"))
	if want := []int16{0, late, late, 0}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	if n := w.clock.Pending(); n != 0 {
		t.Errorf("%d timers left", n)
	}
}

// A resolver that does not answer does not keep the server from stopping: the
// world's end waits for the request.
func TestQuotaHostStop(t *testing.T) {
	w := newWorld(t)
	begun := make(chan struct{})
	w.setLookUp(func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	q := quotaRequest(hostEntry("away"), hostEntry("behind"))
	q.SetVersion(1)
	_, err := w.conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, q, 7))
	w.must(err)
	<-begun
}
