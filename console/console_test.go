package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
)

// slowControl has one fault that nobody ever meets.
type slowControl struct {
	Control
	waiting chan struct{}
}

func (c slowControl) WaitFault(ctx context.Context, _, _ int) error {
	close(c.waiting)
	<-ctx.Done()
	return ctx.Err()
}

func open(t *testing.T, o Options) *Console {
	t.Helper()
	o.Listen, o.Log = "127.0.0.1:0", slog.New(slog.DiscardHandler)
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second) // far more than it takes
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return c
}

func get(c *Console, path string) (status int, text string, err error) {
	q, err := http.NewRequest("GET", "http://"+c.Address()+path, nil)
	if err != nil {
		return 0, "", err
	}
	q.Close = true
	p, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer p.Body.Close()
	body, err := io.ReadAll(p.Body)
	return p.StatusCode, string(body), err
}

// Who waits for a fault does not hold up the stop.
func TestCloseWaitsForNobody(t *testing.T) {
	control := slowControl{waiting: make(chan struct{})}
	c := open(t, Options{Control: control})
	answered := make(chan int)
	go func() {
		status, _, _ := get(c, "/control/faults/1?fired=1")
		answered <- status
	}()
	<-control.waiting
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if status := <-answered; status != http.StatusRequestTimeout {
		t.Errorf("status %d", status)
	}
}

// Live is about the process, ready about its clients.
func TestLiveBeforeReady(t *testing.T) {
	c := open(t, Options{
		Ready: func() error { return errors.New("the logs are being opened") },
		Look:  func(context.Context, bool) (*Look, error) { return nil, errors.New("not yet") },
	})
	for _, want := range []struct {
		path   string
		status int
		text   string
	}{
		{"/health/live", 200, "alive\n"}, {"/health/ready", 503, "the logs are being opened\n"}, {"/metrics", 503, "not yet\n"},
	} {
		if status, text, err := get(c, want.path); err != nil || status != want.status || text != want.text {
			t.Errorf("%s: %d %q %v", want.path, status, text, err)
		}
	}
}

// Names that clients choose cannot break the format.
func TestLabelsAreEscaped(t *testing.T) {
	c := &Console{o: Options{JMX: true, Exporter: true}}
	text := string(c.exposition(&Look{Groups: []Group{{ID: "a\"b\\c\nd"}}}))
	const want = `kafka_consumergroup_members{consumergroup="a\"b\\c\nd"} 0` + "\n"
	if !strings.Contains(text, want) {
		t.Errorf("%q is not in:\n%s", want, text)
	}
}

// Rules go through JSON unchanged, and what a rule compiles to shows as that rule.
func TestRulesComeBackFromJSON(t *testing.T) {
	r := Rule{
		APIs: []string{"Produce", "Fetch"}, Topic: "t", Partitions: []int32{1}, ClientID: "c",
		After: 1, Every: 2, Times: 3, Delay: 4 * time.Millisecond, Error: "NOT_CONTROLLER",
	}
	text, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back Rule
	if err := back.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	for _, rule := range []Rule{back, {Drop: DropAfter}, {Drop: DropBefore, Delay: time.Second}} {
		compiled, err := rule.Compile()
		if err != nil {
			t.Fatal(err)
		}
		one, err := rule.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		other, err := RuleOf(compiled).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(one) != string(other) {
			t.Errorf("%s became %s", one, other)
		}
	}
}

// A delay that no duration can hold is refused, not taken for a short one; and the
// shortest is not shown as none.
func TestDelaysAtTheirBounds(t *testing.T) {
	var r Rule
	for _, millis := range []string{"18446744073710", "-18446744073710", "9223372036854775807"} {
		if err := r.UnmarshalJSON([]byte(`{"delay_ms":` + millis + `}`)); err == nil {
			t.Errorf("%s milliseconds became %v", millis, r.Delay)
		}
	}
	text, err := Rule{Delay: time.Microsecond}.MarshalJSON()
	if err != nil || string(text) != `{"delay_ms":1}` {
		t.Errorf("a microsecond is %s, %v", text, err)
	}
}
