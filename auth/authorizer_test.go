package auth

import (
	"fmt"
	"iter"
	"strings"
	"testing"
)

// list is rules as a test writes them.
type list []*ACL

func (l list) Covering(t ResourceType, name string) iter.Seq[*ACL] {
	return l.where(func(r *ACL) bool { return r.Type == t && r.Covers(name) })
}

func (l list) OfType(t ResourceType) iter.Seq[*ACL] {
	return l.where(func(r *ACL) bool { return r.Type == t })
}

func (l list) where(take func(*ACL) bool) iter.Seq[*ACL] {
	return func(yield func(*ACL) bool) {
		for _, r := range l {
			if take(r) && !yield(r) {
				return
			}
		}
	}
}

// rulesOf reads rules like "allow x READ TOPIC orders from 10.0.0.1": a name that ends in
// ~ is a prefix, User:x is meant, and without "from" every host.
func rulesOf(t *testing.T, text string) list {
	t.Helper()
	var rules list
	for line := range strings.Lines(strings.ReplaceAll(text, ";", "\n")) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		r := &ACL{Permission: Deny, Pattern: Literal, Host: "*", Principal: "User:" + words[1], Name: words[4]}
		if words[0] == "allow" {
			r.Permission = Allow
		}
		r.Operation, r.Type = operationOf(t, words[2]), typeOf(t, words[3])
		if name, prefix := strings.CutSuffix(r.Name, "~"); prefix {
			r.Name, r.Pattern = name, Prefixed
		}
		if len(words) == 7 {
			r.Host = words[6]
		}
		rules = append(rules, r)
	}
	return rules
}

func operationOf(t *testing.T, name string) Operation {
	t.Helper()
	for i, n := range operationNames {
		if n == name {
			return Operation(i)
		}
	}
	t.Fatalf("no operation %q", name)
	return 0
}

func typeOf(t *testing.T, name string) ResourceType {
	t.Helper()
	for i, n := range resourceNames {
		if n == name {
			return ResourceType(i)
		}
	}
	t.Fatalf("no type %q", name)
	return 0
}

// What StandardAuthorizer decides (KIP-11, KIP-290), about what User:x does from 10.0.0.1.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		rules, action string
		allowed       bool
		openIfNone    bool // what AllowIfNone gives
	}{
		{"", "READ TOPIC orders", false, true},
		{"allow x READ TOPIC orders", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC orders", "READ TOPIC order", false, true},
		{"allow x READ TOPIC orders", "READ GROUP orders", false, true},
		{"allow y READ TOPIC orders", "READ TOPIC orders", false, false},
		{"allow * READ TOPIC orders", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC *", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC *", "READ TOPIC *", true, true},
		{"allow y READ TOPIC *", "READ TOPIC orders", false, false},
		{"allow x READ TOPIC ord~", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC ord~", "READ TOPIC or", false, true},
		{"allow x READ TOPIC *~", "READ TOPIC orders", false, true},
		{"allow x READ TOPIC orders from 10.0.0.1", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC orders from 10.0.0.2", "READ TOPIC orders", false, false},
		{"allow x READ TOPIC orders; deny x READ TOPIC orders", "READ TOPIC orders", false, false},
		{"allow x READ TOPIC orders; deny * READ TOPIC *", "READ TOPIC orders", false, false},
		{"allow x READ TOPIC orders; deny x READ TOPIC ord~", "READ TOPIC orders", false, false},
		{"allow x READ TOPIC orders; deny x READ TOPIC ord~ from 10.0.0.2", "READ TOPIC orders", true, true},
		{"allow x ALL TOPIC orders; deny x WRITE TOPIC orders", "READ TOPIC orders", true, true},
		{"allow x READ TOPIC orders; deny x ALL TOPIC orders", "READ TOPIC orders", false, false},
		// what is implied
		{"allow x READ TOPIC orders", "DESCRIBE TOPIC orders", true, true},
		{"allow x WRITE TOPIC orders", "DESCRIBE TOPIC orders", true, true},
		{"allow x DELETE TOPIC orders", "DESCRIBE TOPIC orders", true, true},
		{"allow x ALTER TOPIC orders", "DESCRIBE TOPIC orders", true, true},
		{"allow x CREATE TOPIC orders", "DESCRIBE TOPIC orders", false, false},
		{"allow x ALTER_CONFIGS TOPIC orders", "DESCRIBE TOPIC orders", false, false},
		{"allow x ALTER_CONFIGS TOPIC orders", "DESCRIBE_CONFIGS TOPIC orders", true, true},
		{"allow x ALTER TOPIC orders", "DESCRIBE_CONFIGS TOPIC orders", false, false},
		{"allow x DESCRIBE TOPIC orders; deny x READ TOPIC orders", "DESCRIBE TOPIC orders", true, true},
		{"allow x READ TOPIC orders; deny x DESCRIBE TOPIC orders", "READ TOPIC orders", true, true},
	} {
		words := strings.Fields(c.action)
		a := Action{User("x"), "10.0.0.1", operationOf(t, words[0]), typeOf(t, words[1]), words[2]}
		for open, want := range map[bool]bool{false: c.allowed, true: c.openIfNone} {
			z := Authorizer{AllowIfNone: open, SuperUsers: map[string]bool{"User:root": true}}
			if v := z.Decide(rulesOf(t, c.rules), &a); v.Allowed != want {
				t.Errorf("%q, %s, AllowIfNone %v: %s", c.rules, c.action, open, v)
			}
			root := a
			root.Who = User("root")
			if v := z.Decide(rulesOf(t, c.rules+"; deny * ALL TOPIC *"), &root); !v.Allowed || v.By != BySuperUser {
				t.Errorf("%q, %s of a super user: %s", c.rules, c.action, v)
			}
		}
	}
}

// Whether an operation is allowed on any topic (KIP-679).
func TestDecideAny(t *testing.T) {
	for rules, want := range map[string]bool{
		"":                                            false,
		"allow x WRITE TOPIC a":                       true,
		"allow x ALL TOPIC a":                         true,
		"allow x WRITE TOPIC a~":                      true,
		"allow x WRITE TOPIC *":                       true,
		"allow * WRITE TOPIC a":                       true,
		"allow x READ TOPIC a":                        false,
		"allow y WRITE TOPIC a":                       false,
		"allow x WRITE GROUP a":                       false,
		"allow x WRITE TOPIC a from 10.0.0.2":         false,
		"allow x WRITE TOPIC a; deny x WRITE TOPIC a": false,
		"allow x WRITE TOPIC a; deny x WRITE TOPIC a from 10.0.0.2":            true,
		"allow x WRITE TOPIC a; deny x WRITE TOPIC b":                          true,
		"allow x WRITE TOPIC ab; deny x WRITE TOPIC a~":                        false,
		"allow x WRITE TOPIC ab~; deny x WRITE TOPIC a~":                       false,
		"allow x WRITE TOPIC a~; deny x WRITE TOPIC ab~":                       true,
		"allow x WRITE TOPIC a~; deny x WRITE TOPIC a":                         true,
		"allow x WRITE TOPIC a; deny x WRITE TOPIC *":                          false,
		"allow x WRITE TOPIC *; deny x WRITE TOPIC a~":                         true,
		"allow x WRITE TOPIC a; allow x WRITE TOPIC b~; deny x WRITE TOPIC a~": true,
	} {
		a := Action{Who: User("x"), Host: "10.0.0.1", Operation: Write, Type: Topic}
		if v := new(Authorizer).DecideAny(rulesOf(t, rules), &a); v.Allowed != want {
			t.Errorf("%q: %s", rules, v)
		}
	}
	a := Action{Who: User("root"), Operation: Write, Type: Topic}
	z := Authorizer{SuperUsers: map[string]bool{"User:root": true}}
	if v := z.DecideAny(rulesOf(t, "deny * ALL TOPIC *"), &a); !v.Allowed {
		t.Error("a super user is denied")
	}
}

func TestFilters(t *testing.T) {
	all := rulesOf(t, "allow x READ TOPIC a; deny x READ TOPIC a~; allow y ALL TOPIC *; allow x READ GROUP a from 10.0.0.1; allow x READ TOPIC ab~")
	text := func(s string) *string { return &s }
	base := Filter{Type: AnyResource, Pattern: AnyPattern, Operation: AnyOperation, Permission: AnyPermission}
	with := func(change func(*Filter)) Filter {
		f := base
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		filter Filter
		want   string // which of them
	}{
		"anything":   {base, "01234"},
		"type":       {with(func(f *Filter) { f.Type = Group }), "3"},
		"name":       {with(func(f *Filter) { f.Name = text("a") }), "013"},
		"literal":    {with(func(f *Filter) { f.Name, f.Pattern = text("a"), Literal }), "03"},
		"prefixed":   {with(func(f *Filter) { f.Name, f.Pattern = text("a"), Prefixed }), "1"},
		"no name":    {with(func(f *Filter) { f.Pattern = Prefixed }), "14"},
		"match":      {with(func(f *Filter) { f.Name, f.Pattern = text("ab"), Match }), "124"},
		"match all":  {with(func(f *Filter) { f.Pattern = Match }), "01234"},
		"principal":  {with(func(f *Filter) { f.Principal = text("User:y") }), "2"},
		"host":       {with(func(f *Filter) { f.Host = text("10.0.0.1") }), "3"},
		"operation":  {with(func(f *Filter) { f.Operation = All }), "2"},
		"permission": {with(func(f *Filter) { f.Permission = Deny }), "1"},
	} {
		got := ""
		for i, r := range all {
			if c.filter.Takes(r) {
				got += fmt.Sprint(i)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if !c.filter.Known() {
			t.Errorf("%s is not known", name)
		}
	}
}
