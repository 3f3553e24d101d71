package access

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// shelf are rules of all kinds, for filters to find.
var shelf = []rule{
	allow(alice, read, topicKind, "red-1"), deny(bob, write, topicKind, "red-1"), allow(alice, all, topicKind, anyName), ofPrefix(allow(alice, write, topicKind, "red")),
	ofPrefix(allow(anyName, describe, topicKind, "red-1")), ofPrefix(allow(alice, read, topicKind, anyName)), from("127.0.0.1", allow(alice, read, topicKind, "blue-1")),
	ofPrefix(allow(alice, read, topicKind, "blue-11")), allow(alice, read, groupKind, "red-1"), ofPrefix(deny(anyName, all, groupKind, "red-")), onCluster(bob, alter),
	allow(alice, write, transactionKind, "red-1"), allow(alice, createTokens, userKind, "User:bob"), allow(alice, describe, tokenKind, anyName),
}

// filters find some of the shelf. Numbers that are no type, pattern, operation or permission
// are not asked for: Kafka ends the connection, and answers UNKNOWN_SERVER_ERROR to a rule
// with ANY or MATCH; Barnabas says INVALID_REQUEST, or that there is no such rule.
func filters() []kmsg.DeleteACLsRequestFilter {
	const (
		anyPattern = kmsg.ACLResourcePatternTypeAny
		match      = kmsg.ACLResourcePatternTypeMatch
	)
	named := func(pattern kmsg.ACLResourcePatternType, name string) kmsg.DeleteACLsRequestFilter {
		f := anyRule()
		f.ResourceType, f.ResourcePatternType, f.ResourceName = topicKind, pattern, &name
		return f
	}
	found := []kmsg.DeleteACLsRequestFilter{
		named(match, "red-1"), named(match, anyName), named(match, "blue-111"), named(match, ""),
		named(anyPattern, "red-1"), named(literal, "red-1"), named(prefixed, "red-1"), named(prefixed, "red"), named(literal, anyName), named(prefixed, anyName), named(literal, "none"),
	}
	for _, edit := range []func(f *kmsg.DeleteACLsRequestFilter){
		func(f *kmsg.DeleteACLsRequestFilter) { f.ResourcePatternType = literal },
		func(f *kmsg.DeleteACLsRequestFilter) { f.ResourcePatternType = prefixed },
		func(f *kmsg.DeleteACLsRequestFilter) { f.ResourcePatternType = match },
		func(f *kmsg.DeleteACLsRequestFilter) { f.ResourceType = clusterKind },
		func(f *kmsg.DeleteACLsRequestFilter) { f.ResourceType = userKind },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Principal = ptr("User:alice") },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Principal = ptr("User:*") },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Principal = ptr("alice") },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Host = ptr("*") },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Host = ptr("127.0.0.1") },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Operation = read },
		func(f *kmsg.DeleteACLsRequestFilter) { f.Operation = all },
		func(f *kmsg.DeleteACLsRequestFilter) { f.PermissionType = kmsg.ACLPermissionTypeDeny },
	} {
		f := anyRule()
		edit(&f)
		found = append(found, f)
	}
	return found
}

// mistakes are rules that cannot be, and two that can.
func mistakes() []rule {
	made := []rule{allow(alice, read, topicKind, "good")}
	for _, edit := range []func(c *rule){
		func(c *rule) { c.ResourceName = "" },
		func(c *rule) { c.ResourceType, c.ResourceName = clusterKind, anyName },
		func(c *rule) { c.ResourceType = clusterKind },
		func(c *rule) {
			c.ResourceType, c.ResourceName, c.ResourcePatternType = clusterKind, clusterName, prefixed
		},
		func(c *rule) { c.Principal = "" },
		func(c *rule) { c.Principal = "alice" },
		func(c *rule) { c.Principal = "Group:staff" },
		func(c *rule) { c.Principal = "User:" },
		func(c *rule) { c.Host = "" },
		func(c *rule) { c.Host = "somewhere.example" },
		func(c *rule) { c.ResourceName = "a/b" },
		func(c *rule) { c.ResourceType, c.ResourceName = userKind, "bob" },
		func(c *rule) { c.ResourceType, c.ResourceName = userKind, "User:bob" },
		func(c *rule) { c.Operation = clusterAction },
	} {
		c := allow(alice, read, topicKind, "bad")
		edit(&c)
		made = append(made, c)
	}
	return append(made, allow(alice, read, topicKind, "good"), ofPrefix(allow(bob, write, topicKind, "good")))
}

// aclStories are about rules on rules.
func aclStories() []differ.Story {
	return []differ.Story{
		{Name: "acls/described", Key: kmsg.DescribeACLs, Tell: func(s *differ.Session) {
			impose(s, append(shelf[:len(shelf):len(shelf)], onCluster(alice, describe)))
			for i, f := range filters() {
				s.Peer(alice).Try(fmt.Sprintf("filter %d", i), describeOf(f))
			}
			s.Peer(bob).Ask("bob, who may alter", describeOf(anyRule()))
			s.Peer(carol).Ask("carol", describeOf(anyRule()))
		}},
		{Name: "acls/deleted", Key: kmsg.DeleteACLs, Versions: since(3), Tell: func(s *differ.Session) {
			mine := onCluster(alice, all)
			for i, f := range filters() {
				impose(s, append(shelf[:len(shelf):len(shelf)], mine))
				s.Peer(alice).Try(fmt.Sprintf("filter %d", i), deleteOf(f))
				settle(s)
				s.Peer(admin).Ask(fmt.Sprintf("left by filter %d", i), describeOf(anyRule()))
			}
			impose(s, append(shelf[:len(shelf):len(shelf)], onCluster(alice, describe)))
			s.Peer(alice).Try("several, without a right", deleteOf(filters()[:3]...))
			impose(s, append(shelf[:len(shelf):len(shelf)], onCluster(alice, alter)))
			s.Peer(alice).Try("several, some twice", deleteOf(append(filters()[4:7], filters()[5])...))
			settle(s)
			s.Peer(admin).Ask("left", describeOf(anyRule()))
		}},
		{Name: "acls/created", Key: kmsg.CreateACLs, Versions: since(3), Tell: func(s *differ.Session) {
			under(s, "without a right", createOf(mistakes()...))
			under(s, "with a right to describe", createOf(mistakes()[0]), onCluster(alice, describe))
			under(s, "with all rights but one", createOf(mistakes()[0]), onCluster(alice, all), deny(alice, alter, clusterKind, clusterName))
			settle(s)
			s.Peer(admin).Ask("nothing is created", describeOf(anyRule()))
			for i, c := range mistakes() {
				under(s, fmt.Sprintf("rule %d", i), createOf(c), onCluster(alice, alter))
				settle(s)
				s.Peer(admin).Ask("created", describeOf(anyRule()))
			}
			under(s, "all of them", createOf(mistakes()...), onCluster(alice, alter))
			settle(s)
			s.Peer(admin).Ask("created together", describeOf(anyRule()))
		}},
	}
}
