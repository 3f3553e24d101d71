package api

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
	"github.com/barnabas-mq/barnabas/server"
)

// worldRoot is the super user of a guarded world, and who asks until somebody else is
// told to.
const worldRoot = "root"

// askedNeeds are the questions that were asked in guarded worlds.
var askedNeeds sync.Map // of apiNeed

type apiNeed struct {
	api string
	need
}

// needsAreAsked tells, after all tests, which needs are declared that no API has asked about:
// the page of access rules would promise what is not so.
type needsAreAsked struct{ *testing.M }

// Run runs all tests; of some of them nothing can be told.
func (m needsAreAsked) Run() int {
	status := m.M.Run()
	for _, chosen := range []string{"test.run", "test.skip", "test.list", "test.fuzz", "test.bench"} {
		if flag.Lookup(chosen).Value.String() != "" {
			return status
		}
	}
	for _, n := range notAsked(table(), func(n apiNeed) bool { _, is := askedNeeds.Load(n); return is }) {
		fmt.Printf("%s declares that it asks about %s of %s, and has not asked in any test\n", n.api, n.operation, n.on)
		status = max(status, 1)
	}
	return status
}

// notAsked are the needs of entries that were not asked.
func notAsked(entries []entry, asked func(apiNeed) bool) (left []apiNeed) {
	for _, e := range entries {
		for _, n := range e.access {
			if one := (apiNeed{e.name, n}); !asked(one) {
				left = append(left, one)
			}
		}
	}
	return left
}

// newGuardedWorld is newWorld with an authorizer. Each question that an API asks it must
// be declared.
func newGuardedWorld(t *testing.T, overrides ...string) *world {
	t.Helper()
	w := &world{t: t}
	w.access = &Access{
		Authorizer: &auth.Authorizer{SuperUsers: map[string]bool{auth.User(worldRoot).String(): true}},
		Asked: func(api string, o auth.Operation, on auth.ResourceType, declared bool) {
			if !declared {
				t.Errorf("%s asks about %s of %s and does not declare it", api, o, on)
			}
			askedNeeds.Store(apiNeed{api, need{o, on}}, true)
		},
	}
	root := auth.User(worldRoot)
	w.who.Store(&root)
	return startWorld(w, overrides)
}

// principal is Rooms.Principal.
func (w *world) principal() func(*server.Conn) (auth.Principal, error) {
	if w.access == nil {
		return nil
	}
	return func(*server.Conn) (auth.Principal, error) { return *w.who.Load(), nil }
}

// become has User:name ask from now on, on a new connection.
func (w *world) become(name string) {
	w.t.Helper()
	w.must(w.conn.Close())
	who := auth.User(name)
	w.who.Store(&who)
	w.connect()
	ask[*kmsg.ApiVersionsResponse](w, 0, kmsg.NewPtrApiVersionsRequest()) // the broker knows now who it is
}

// rules puts access rules in the place of those that there are. They are lines or parts
// between semicolons like
//
//	allow alice READ TOPIC orders
//	deny * ALL GROUP team-~ from 10.0.0.1
//
// where a name that ends in ~ is a prefix, and without "from" every host is meant.
func (w *world) rules(text string) {
	w.t.Helper()
	var rules []auth.ACL
	for line := range strings.Lines(strings.ReplaceAll(text, ";", "\n")) {
		if words := strings.Fields(line); len(words) > 0 {
			rules = append(rules, w.rule(words))
		}
	}
	all := auth.Filter{Type: auth.AnyResource, Pattern: auth.AnyPattern, Operation: auth.AnyOperation, Permission: auth.AnyPermission}
	_, err := w.store.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		records, _ := metadata.DeleteACLs(image, []auth.Filter{all})
		return records, nil
	})
	w.must(err)
	_, err = w.store.Propose(context.Background(), func(image *metadata.Image) ([]metadata.Record, error) {
		records, errs := metadata.CreateACLs(image, rules, protocol.NewUUID)
		return records, errors.Join(errs...)
	})
	w.must(err)
}

func (w *world) rule(words []string) auth.ACL {
	w.t.Helper()
	if len(words) != 5 && len(words) != 7 {
		w.t.Fatalf("%q is no rule", words)
	}
	r := auth.ACL{Permission: auth.Deny, Pattern: auth.Literal, Host: "*", Principal: auth.User(words[1]).String(), Name: words[4]}
	if words[0] == "allow" {
		r.Permission = auth.Allow
	}
	for o := auth.All; o <= auth.TwoPhaseCommit; o++ {
		if o.String() == words[2] {
			r.Operation = o
		}
	}
	for t := auth.Topic; t <= auth.UserResource; t++ {
		if t.String() == words[3] {
			r.Type = t
		}
	}
	if name, isPrefix := strings.CutSuffix(r.Name, "~"); isPrefix {
		r.Name, r.Pattern = name, auth.Prefixed
	}
	if len(words) == 7 {
		r.Host = words[6]
	}
	return r
}
