package metadata

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

// rule is a rule about topics.
func rule(p auth.Pattern, name, principal string) auth.ACL {
	return auth.ACL{Type: auth.Topic, Pattern: p, Name: name, Principal: principal, Host: "*", Operation: auth.Read, Permission: auth.Allow}
}

func tellRules(rules []*auth.ACL) string {
	var lines []string
	for _, r := range rules {
		lines = append(lines, fmt.Sprintf("%s %s:%s", r.Principal, r.Pattern, r.Name))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func TestACLRecords(t *testing.T) {
	a, b := rule(auth.Literal, "a", "User:x"), rule(auth.Prefixed, "a", "User:y")
	for name, c := range map[string]struct {
		records []Record
		want    string
	}{
		"two":             {[]Record{aclRecord(topicA, &a), aclRecord(topicB, &b)}, "User:x LITERAL:a; User:y PREFIXED:a"},
		"replaced":        {[]Record{aclRecord(topicA, &a), aclRecord(topicA, &b)}, "User:y PREFIXED:a"},
		"equal ones":      {[]Record{aclRecord(topicA, &a), aclRecord(topicB, &a)}, "User:x LITERAL:a; User:x LITERAL:a"},
		"one of equals":   {[]Record{aclRecord(topicA, &a), aclRecord(topicB, &a), &RemoveAccessControlEntryRecord{topicA}}, "User:x LITERAL:a"},
		"removed":         {[]Record{aclRecord(topicA, &a), &RemoveAccessControlEntryRecord{topicA}}, ""},
		"unknown removed": {[]Record{aclRecord(topicA, &a), &RemoveAccessControlEntryRecord{topicB}}, "User:x LITERAL:a"},
	} {
		img := imageOf(t, c.records...)
		if got := tellRules(slices.Collect(img.ACLs().All())); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		same(t, throughSnapshot(t, img), img)
	}
}

// What covers a name is found without looking at the others, and is all that covers it.
func TestACLsThatCoverAName(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	letters := func() string {
		name := make([]byte, random.IntN(6))
		for i := range name {
			name[i] = "ab\x00\xff"[random.IntN(4)]
		}
		return string(name)
	}
	for range 200 {
		d := new(Image).edit()
		var all []*auth.ACL
		for i := range random.IntN(40) {
			r := rule(auth.Pattern(3+random.IntN(2)), letters(), fmt.Sprintf("User:%d", random.IntN(3)))
			if random.IntN(8) == 0 {
				r.Name = "*"
			}
			if random.IntN(4) == 0 {
				r.Type = auth.Group
			}
			d.setACL(aclRecord(protocol.UUID{byte(i)}, &r))
			all = append(all, &r)
		}
		for range 20 {
			name := letters()
			var want []*auth.ACL
			for _, r := range all {
				if r.Type == auth.Topic && r.Covers(name) {
					want = append(want, r)
				}
			}
			got := slices.Collect(d.img.ACLs().Covering(auth.Topic, name))
			if tellRules(got) != tellRules(want) {
				t.Fatalf("%q among %s: %s, want %s", name, tellRules(all), tellRules(got), tellRules(want))
			}
		}
	}
}

// Each rule is judged by itself, and made once.
func TestCreateACLs(t *testing.T) {
	have := rule(auth.Literal, "a", "User:x")
	img := imageOf(t, aclRecord(topicA, &have))
	next := rule(auth.Literal, "b", "User:x")
	cluster := next
	cluster.Type, cluster.Name = auth.Cluster, "mine"
	any, match, unknown, neither := next, next, next, next
	any.Type, match.Pattern, unknown.Operation, neither.Permission = auth.AnyResource, auth.Match, 99, auth.AnyPermission
	records, errs := CreateACLs(img, []auth.ACL{have, next, next, rule(auth.Literal, "", "User:x"), cluster, any, match, unknown, neither}, idSource())
	if len(records) != 1 {
		t.Errorf("%d records", len(records))
	}
	for i, want := range []string{
		"", "", "", "Invalid empty resource name", "The only valid name for the CLUSTER resource is kafka-cluster",
		"Invalid resourceType ANY", "Invalid patternType MATCH", "Invalid operation UNKNOWN", "Invalid permissionType ANY",
	} {
		switch {
		case want == "" && errs[i] != nil, want != "" && (!errors.Is(errs[i], ErrInvalidRequest) || errs[i].Error() != want):
			t.Errorf("rule %d: %v, want %q", i, errs[i], want)
		}
	}
}

// A rule that two filters choose is told for both and taken away once; the others stay
// (CVE-2024-27309).
func TestDeleteACLs(t *testing.T) {
	a, b, c := rule(auth.Literal, "a", "User:x"), rule(auth.Literal, "a", "User:y"), rule(auth.Prefixed, "a", "User:x")
	img := imageOf(t, aclRecord(topicA, &a), aclRecord(topicB, &b), aclRecord(protocol.UUID{7}, &c))
	user := "User:x"
	everything := auth.Filter{Type: auth.AnyResource, Pattern: auth.AnyPattern, Operation: auth.AnyOperation, Permission: auth.AnyPermission}
	ofUser, literal, unknown := everything, everything, everything
	ofUser.Principal = &user
	literal.Principal, literal.Pattern = &user, auth.Literal
	unknown.Pattern = 9
	records, results := DeleteACLs(img, []auth.Filter{ofUser, literal, unknown})
	if tellRules(results[0].Rules) != "User:x LITERAL:a; User:x PREFIXED:a" || tellRules(results[1].Rules) != "User:x LITERAL:a" {
		t.Errorf("taken %s and %s", tellRules(results[0].Rules), tellRules(results[1].Rules))
	}
	if !errors.Is(results[2].Err, ErrInvalidRequest) || len(records) != 2 {
		t.Errorf("%v, %d records", results[2].Err, len(records))
	}
	d := img.edit()
	for _, r := range records {
		if err := d.apply(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := tellRules(slices.Collect(d.img.ACLs().All())); got != "User:y LITERAL:a" {
		t.Errorf("left %s", got)
	}
}
