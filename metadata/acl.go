package metadata

import (
	"iter"
	"strings"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/protocol"
)

// ACLs are the access rules of an Image. They are immutable, and equal (==) to those of an
// earlier image when nothing about them has changed.
type ACLs struct {
	byName tree[*auth.ACL] // by type, pattern, name, the rest of the rule and id
	byID   tree[*auth.ACL] // by the 16 bytes of the id
}

// ACLs are the access rules.
func (img *Image) ACLs() ACLs { return img.acls }

// Len is the number of rules.
func (a ACLs) Len() int { return a.byID.size }

// All yields the rules in the order of type, pattern and name.
func (a ACLs) All() iter.Seq[*auth.ACL] { return a.under("") }

// OfType implements auth.Rules.
func (a ACLs) OfType(t auth.ResourceType) iter.Seq[*auth.ACL] {
	return a.under(string([]byte{byte(t)}))
}

// Covering implements auth.Rules: the rules of the name, those of every name, and those of
// its beginnings.
func (a ACLs) Covering(t auth.ResourceType, name string) iter.Seq[*auth.ACL] {
	return func(yield func(*auth.ACL) bool) {
		if a.byID.size > 0 && a.literal(t, name, yield) && (name == everyName || a.literal(t, everyName, yield)) {
			a.prefixed(t, name, yield)
		}
	}
}

// everyName is the name of literal rules that hold for each.
const everyName = "*"

func (a ACLs) under(prefix string) iter.Seq[*auth.ACL] {
	return func(yield func(*auth.ACL) bool) {
		for _, r := range a.byName.withPrefix(prefix) {
			if !yield(r) {
				return
			}
		}
	}
}

func (a ACLs) literal(t auth.ResourceType, name string, yield func(*auth.ACL) bool) bool {
	for r := range a.under(aclSection(t, auth.Literal) + keyName(name) + aclNameEnd) {
		if !yield(r) {
			return false
		}
	}
	return true
}

// prefixed walks through the rules of beginnings. They lie in order, but among others:
// what is no beginning of name is skipped up to the first that could be.
func (a ACLs) prefixed(t auth.ResourceType, name string, yield func(*auth.ACL) bool) {
	section := aclSection(t, auth.Prefixed)
	for from := 0; from <= len(name); {
		skipped := false
		for key, r := range a.byName.from(section + keyName(name[:from])) {
			if key[:len(section)] != section {
				return
			}
			n := sharedLength(r.Name, name)
			if n == len(r.Name) {
				if !yield(r) {
					return
				}
				continue
			}
			if n == len(name) || r.Name[n] > name[n] {
				return // this one and all behind it come after name
			}
			from, skipped = n+1, true
			break
		}
		if !skipped {
			return
		}
	}
}

func sharedLength(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func aclSection(t auth.ResourceType, p auth.Pattern) string { return string([]byte{byte(t), byte(p)}) }

// aclNameEnd ends a name in a key. It sorts before all that could go on, so that a name
// comes before those that begin with it.
const aclNameEnd = "\x00\x00"

// keyName is a name in a key: names may hold a zero, too.
func keyName(name string) string { return strings.ReplaceAll(name, "\x00", "\x00\xff") }

// aclKey is where a rule lies, without its id: equal rules have equal keys.
func aclKey(r *auth.ACL) string {
	return aclSection(r.Type, r.Pattern) + keyName(r.Name) + aclNameEnd + r.Principal + "\x00" + r.Host + "\x00" +
		string([]byte{byte(r.Operation), byte(r.Permission)})
}

// has tells whether there is an equal rule.
func (a ACLs) has(r *auth.ACL) bool {
	for have := range a.under(aclKey(r)) {
		if *have == *r {
			return true
		}
	}
	return false
}

func (d *draft) setACL(r *AccessControlEntryRecord) {
	d.dropACL(r.ID)
	rule := r.rule()
	d.img.acls.byName = d.img.acls.byName.set(d.owner, aclKey(rule)+string(r.ID[:]), rule)
	d.img.acls.byID = d.img.acls.byID.set(d.owner, string(r.ID[:]), rule)
}

// dropACL takes the rule with the id away, if there is one.
func (d *draft) dropACL(id protocol.UUID) {
	if rule, ok := d.img.acls.byID.getBytes(id[:]); ok {
		d.img.acls.byName = d.img.acls.byName.remove(d.owner, aclKey(rule)+string(id[:]))
		d.img.acls.byID = d.img.acls.byID.remove(d.owner, string(id[:]))
	}
}

func (r *AccessControlEntryRecord) rule() *auth.ACL {
	return &auth.ACL{
		Type: auth.ResourceType(r.ResourceType), Pattern: auth.Pattern(r.PatternType), Name: r.ResourceName,
		Principal: r.Principal, Host: r.Host, Operation: auth.Operation(r.Operation), Permission: auth.Permission(r.PermissionType),
	}
}

func aclRecord(id protocol.UUID, r *auth.ACL) *AccessControlEntryRecord {
	return &AccessControlEntryRecord{id, int8(r.Type), r.Name, int8(r.Pattern), r.Principal, r.Host, int8(r.Operation), int8(r.Permission)}
}

func (img *Image) aclRecords(yield recordYield) bool {
	for key, rule := range img.acls.byID.from("") {
		if !yield(aclRecord(protocol.UUID([]byte(key)), rule), nil) {
			return false
		}
	}
	return true
}
