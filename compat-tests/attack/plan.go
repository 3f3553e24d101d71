package attack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// envPlan has the plan of attackers, in JSON; a process that has it is one of them.
const envPlan = "ATTACK_PLAN"

// Plan is whom the attackers attack, and how often.
type Plan struct {
	// The addresses of the listeners.
	Plaintext, SSL, Login, LoginTLS string
	// CA is the certificate, in PEM, that the broker's is signed by.
	CA string
	// Handshakes are held open at once. Logins fail, Visits come and go, Junk is sent to
	// every listener so often, and Floods so many requests without the right to them. Bombs
	// are batches that decompress to much.
	Handshakes, Logins, Visits, Junk, Floods, Bombs int
	// Only is a part of the names of the raids that are made; empty for all.
	Only string
	// BombBytes is what a bomb decompresses to.
	BombBytes int64
}

// sample and whole are the numbers of `make compat` and of the acceptance; few are for -short.
var (
	few    = Plan{Handshakes: 100, Logins: 300, Visits: 100, Junk: 10, Floods: 100, Bombs: 16, BombBytes: 1 << 30}
	sample = Plan{Handshakes: 1000, Logins: 5000, Visits: 2000, Junk: 100, Floods: 1000, Bombs: 100, BombBytes: 1 << 30}
	whole  = Plan{Handshakes: 5000, Logins: 100_000, Visits: 20_000, Junk: 1000, Floods: 10_000, Bombs: 200, BombBytes: 16 << 30}
)

// RequestBytesMax is what the broker takes in one request, and RequestsBytesMax what those
// under way may hold together. By default (256 MiB) it is more than memory may grow by here: a
// broker with a listener that anybody may use is set so.
const (
	RequestBytesMax  = 8 << 20
	RequestsBytesMax = 16 << 20
)

// Outcome is how a raid ended.
type Outcome struct {
	Raid string
	// Count is of what the raid is made of: connections, logins, requests.
	Count  int
	TookMS int64
	// Wrong is what the broker should not have done; empty when all was well.
	Wrong string
}

// raid is one kind of attack. It tells how often it was made, and what the broker did that
// it should not have.
type raid struct {
	name string
	run  func(ctx context.Context, a *attacker) (count int, err error)
}

// attacker is what the raids share.
type attacker struct {
	plan Plan
	tls  *tls.Config
}

// Attack carries the plan out and writes an Outcome for each raid, in lines of JSON.
func Attack(text string, out io.Writer) error {
	var plan Plan
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return err
	}
	a := &attacker{plan: plan, tls: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}}
	if !a.tls.RootCAs.AppendCertsFromPEM([]byte(plan.CA)) {
		return errors.New("the plan has no certificate")
	}
	report := &report{out: json.NewEncoder(out)}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	held := a.holdHandshakes(ctx)
	began := time.Now()
	heldErr := held.await(ctx)
	report.tell("half-open handshakes", int(held.most.Load()), began, heldErr)
	var raiding sync.WaitGroup
	for _, r := range chosen(plan.Only) {
		raiding.Go(func() {
			began := time.Now()
			count, err := r.run(ctx, a)
			report.tell(r.name, count, began, err)
		})
	}
	raiding.Wait()
	end()
	held.end.Wait()
	return report.err
}

// chosen are the raids with a text in their names.
func chosen(part string) (some []raid) {
	for _, r := range raids {
		if strings.Contains(r.name, part) {
			some = append(some, r)
		}
	}
	return some
}

// report writes outcomes.
type report struct {
	mu  sync.Mutex
	out *json.Encoder
	err error
}

func (r *report) tell(name string, count int, began time.Time, err error) {
	o := Outcome{Raid: name, Count: count, TookMS: time.Since(began).Milliseconds()}
	if err != nil {
		o.Wrong = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = errors.Join(r.err, r.out.Encode(o))
}

// inParallel does something n times, by so many at once, until the first error.
func inParallel(ctx context.Context, n, atOnce int, do func(i int) error) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turns := make(chan int)
	var workers sync.WaitGroup
	for range min(atOnce, n) {
		workers.Go(func() {
			for i := range turns {
				if err := do(i); err != nil {
					cancel(fmt.Errorf("number %d: %w", i, err))
				}
			}
		})
	}
	done := 0
	for ; done < n && ctx.Err() == nil; done++ {
		select {
		case turns <- done:
		case <-ctx.Done():
		}
	}
	close(turns)
	workers.Wait()
	return done, context.Cause(ctx)
}

// Main is for TestMain: it ends a process that is to attack.
func Main() {
	if text := os.Getenv(envPlan); text != "" {
		if err := Attack(text, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}
