package access

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/differ"
)

// rule is one ACL.
type rule = kmsg.CreateACLsRequestCreation

const (
	topicKind       = kmsg.ACLResourceTypeTopic
	groupKind       = kmsg.ACLResourceTypeGroup
	clusterKind     = kmsg.ACLResourceTypeCluster
	transactionKind = kmsg.ACLResourceTypeTransactionalId
	tokenKind       = kmsg.ACLResourceTypeDelegationToken
	userKind        = kmsg.ACLResourceTypeUser

	literal  = kmsg.ACLResourcePatternTypeLiteral
	prefixed = kmsg.ACLResourcePatternTypePrefixed

	all             = kmsg.ACLOperationAll
	read            = kmsg.ACLOperationRead
	write           = kmsg.ACLOperationWrite
	create          = kmsg.ACLOperationCreate
	remove          = kmsg.ACLOperationDelete
	alter           = kmsg.ACLOperationAlter
	describe        = kmsg.ACLOperationDescribe
	clusterAction   = kmsg.ACLOperationClusterAction
	describeConfigs = kmsg.ACLOperationDescribeConfigs
	alterConfigs    = kmsg.ACLOperationAlterConfigs
	idempotentWrite = kmsg.ACLOperationIdempotentWrite
	createTokens    = kmsg.ACLOperationCreateTokens
	describeTokens  = kmsg.ACLOperationDescribeTokens

	clusterName = "kafka-cluster"
	anyName     = "*"
)

// allow lets a user do something with what has a name.
func allow(user string, operation kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) rule {
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceType, c.ResourceName, c.ResourcePatternType = kind, name, literal
	c.Principal, c.Host, c.Operation, c.PermissionType = "User:"+user, "*", operation, kmsg.ACLPermissionTypeAllow
	return c
}

// deny is the opposite of allow.
func deny(user string, operation kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) rule {
	c := allow(user, operation, kind, name)
	c.PermissionType = kmsg.ACLPermissionTypeDeny
	return c
}

// onCluster is allow for what is about the cluster.
func onCluster(user string, operation kmsg.ACLOperation) rule {
	return allow(user, operation, clusterKind, clusterName)
}

// ofPrefix makes a rule be about all names with its name as a prefix.
func ofPrefix(c rule) rule {
	c.ResourcePatternType = prefixed
	return c
}

// from makes a rule be about clients of one host.
func from(host string, c rule) rule {
	c.Host = host
	return c
}

// show is a rule for a person.
func show(c rule) string {
	pattern := strings.ToLower(c.ResourcePatternType.String())
	return fmt.Sprintf("%s %s %s on %s %s %q from %s", strings.ToLower(c.PermissionType.String()), c.Principal, c.Operation, c.ResourceType, pattern, c.ResourceName, c.Host)
}

// operationsOf are what Kafka asks about each kind.
var operationsOf = map[kmsg.ACLResourceType][]kmsg.ACLOperation{
	topicKind:       {read, write, create, remove, alter, describe, describeConfigs, alterConfigs, all, all},
	groupKind:       {read, remove, describe, describeConfigs, alterConfigs, all, all},
	clusterKind:     {create, clusterAction, describeConfigs, alterConfigs, idempotentWrite, alter, describe, all},
	transactionKind: {describe, write, all},
	userKind:        {createTokens, describeTokens, all},
	tokenKind:       {describe, all},
}

// everyOperation is what a rule may say of any kind.
var everyOperation = []kmsg.ACLOperation{
	all, read, write, create, remove, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite, createTokens, describeTokens,
}

// Prefixes of names, and of none.
var prefixes = []string{"r", "red", "red-", "red-1", "blue-", "b", "blue-2", "red-10", "-"}

// drawRules draws what is imposed for a while. Rules that are drawn twice are one. Some are
// broad, so that as much is allowed as is not, and others deny a part of it.
func drawRules(r *rand.Rand) []rule {
	var drawn []rule
	add := func(c rule) {
		if len(without([]rule{c}, drawn)) > 0 {
			drawn = append(drawn, c)
		}
	}
	for _, kind := range []kmsg.ACLResourceType{topicKind, groupKind, transactionKind, clusterKind} {
		if r.IntN(5) < 2 {
			continue
		}
		c := allow(weighted[string](r, alice, 3, bob, 2, anyName, 2), weighted[kmsg.ACLOperation](r, all, 2, oneOf(r, operationsOf[kind]), 1), kind, anyName)
		switch {
		case kind == clusterKind:
			c.ResourceName = clusterName
		case r.IntN(2) == 0:
			c.ResourceName = oneOf(r, prefixes[:3])
			c = ofPrefix(c)
		}
		add(c)
	}
	for range 2 + r.IntN(14) {
		add(drawRule(r))
	}
	return drawn
}

func drawRule(r *rand.Rand) rule {
	kind := weighted[kmsg.ACLResourceType](r, topicKind, 8, groupKind, 5, clusterKind, 5, transactionKind, 3, userKind, 1, tokenKind, 1)
	operation := oneOf(r, operationsOf[kind])
	if r.IntN(20) == 0 {
		operation = oneOf(r, everyOperation)
	}
	c := allow(weighted[string](r, alice, 8, bob, 6, anyName, 5, carol, 1), operation, kind, "")
	if r.IntN(10) < 3 {
		c.PermissionType = kmsg.ACLPermissionTypeDeny
	}
	c.Host = weighted[string](r, anyName, 8, "127.0.0.1", 2, "10.1.2.3", 1)
	switch {
	case kind == clusterKind:
		c.ResourceName = clusterName // Kafka takes no other
	case kind == tokenKind, r.IntN(10) < 3:
		c.ResourceName = anyName
	case kind == userKind:
		c.ResourceName = "User:" + oneOf(r, []string{alice, bob, carol})
	case r.IntN(10) < 4:
		c.ResourceName, c.ResourcePatternType = oneOf(r, prefixes), prefixed
	default:
		c.ResourceName = oneOf(r, names)
	}
	return c
}

func oneOf[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// weighted draws one of values, each with how often it is drawn behind it.
func weighted[T any](r *rand.Rand, pairs ...any) T {
	total := 0
	for i := 1; i < len(pairs); i += 2 {
		total += pairs[i].(int)
	}
	at := r.IntN(total)
	for i := 1; ; i += 2 {
		if at -= pairs[i].(int); at < 0 {
			return pairs[i-1].(T)
		}
	}
}

// anyRule finds all rules.
func anyRule() kmsg.DeleteACLsRequestFilter {
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	f.Operation, f.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return f
}

// only finds one rule.
func only(c rule) kmsg.DeleteACLsRequestFilter {
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourceName, f.ResourcePatternType = c.ResourceType, &c.ResourceName, c.ResourcePatternType
	f.Principal, f.Host, f.Operation, f.PermissionType = &c.Principal, &c.Host, c.Operation, c.PermissionType
	return f
}

// describeOf asks for the rules that a filter finds.
func describeOf(f kmsg.DeleteACLsRequestFilter) *kmsg.DescribeACLsRequest {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourceName, req.ResourcePatternType = f.ResourceType, f.ResourceName, f.ResourcePatternType
	req.Principal, req.Host, req.Operation, req.PermissionType = f.Principal, f.Host, f.Operation, f.PermissionType
	return req
}

func createOf(rules ...rule) *kmsg.CreateACLsRequest {
	req := kmsg.NewPtrCreateACLsRequest()
	req.Creations = rules
	return req
}

func deleteOf(filters ...kmsg.DeleteACLsRequestFilter) *kmsg.DeleteACLsRequest {
	req := kmsg.NewPtrDeleteACLsRequest()
	req.Filters = filters
	return req
}

// inForce are the rules that an answer names.
func inForce(resp kmsg.Response) (found []rule) {
	for _, resource := range resp.(*kmsg.DescribeACLsResponse).Resources {
		for _, acl := range resource.ACLs {
			c := allow("", acl.Operation, resource.ResourceType, resource.ResourceName)
			c.Principal, c.Host, c.PermissionType, c.ResourcePatternType = acl.Principal, acl.Host, acl.PermissionType, resource.ResourcePatternType
			found = append(found, c)
		}
	}
	return found
}

// impose replaces all rules, as admin, and waits until the broker goes by them: Kafka
// applies them behind its answers, in order, the controller before the broker that tells
// of them (MetadataLoader). Those that stay are left alone, so what is found equals what
// is wanted at the end alone.
func impose(s *differ.Session, rules []rule) {
	everything := describeOf(anyRule())
	before := s.Quiet(everything)
	gone, added := changes(inForce(before), rules)
	if len(gone) > 0 {
		filters := make([]kmsg.DeleteACLsRequestFilter, len(gone))
		for i, c := range gone {
			filters[i] = only(c)
		}
		for i, result := range s.Quiet(deleteOf(filters...)).(*kmsg.DeleteACLsResponse).Results {
			if result.ErrorCode != 0 {
				s.Stop("a rule is not deleted: error %d for %s", result.ErrorCode, show(gone[i]))
			}
		}
	}
	if len(added) > 0 {
		for i, result := range s.Quiet(createOf(added...)).(*kmsg.CreateACLsResponse).Results {
			if result.ErrorCode != 0 {
				s.Stop("a rule is not created: error %d for %s", result.ErrorCode, show(added[i]))
			}
		}
	}
	s.Until(everything, func(resp kmsg.Response) bool {
		gone, added := changes(inForce(resp), rules)
		return len(gone)+len(added) == 0
	})
}

// changes are what leads from some rules to others.
func changes(from, to []rule) (gone, added []rule) {
	return without(from, to), without(to, from)
}

func without(these, those []rule) (left []rule) {
	known := map[string]bool{}
	for _, c := range those {
		known[show(c)] = true
	}
	for _, c := range these {
		if !known[show(c)] {
			left = append(left, c)
		}
	}
	return left
}

// settle waits until changes of rules that were answered count: one more rule behind them
// tells. It goes again.
func settle(s *differ.Session) {
	last := allow("last", read, topicKind, "last")
	s.Quiet(createOf(last))
	counts := func(resp kmsg.Response) bool { return len(without([]rule{last}, inForce(resp))) == 0 }
	s.Until(describeOf(only(last)), counts)
	s.Quiet(deleteOf(only(last)))
	s.Until(describeOf(only(last)), func(resp kmsg.Response) bool { return !counts(resp) })
}
