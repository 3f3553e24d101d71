package api

// DescribeAcls (key 29), versions 0 to 3.
//
// The access rules that a filter chooses, by resource. Without an authorizer
// SECURITY_DISABLED is the answer, as from Kafka: clients and consoles take it for "there
// are no access rules here". A number that stands for nothing is INVALID_REQUEST, as in
// DeleteAcls; Kafka ends the connection over 0, and finds nothing, or with a pattern what a
// MATCH would, for the others.
//
//	v0     without pattern types: literal ones
//	v1     pattern types (KIP-290)
//	v2     flexible
//	v3     users as resources

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
	"github.com/barnabas-mq/barnabas/protocol"
)

var describeACLs = now(kmsg.DescribeACLs, 0, 3, (*API).describeACLs).onCluster(auth.Describe)

// errNoAuthorizer says why access rules cannot be seen or changed.
var errNoAuthorizer = protocol.ErrSecurityDisabled.WithMessage("No Authorizer is configured on the broker")

func (a *API) describeACLs(_ *Request, q *kmsg.DescribeACLsRequest) *kmsg.DescribeACLsResponse {
	p := q.ResponseKind().(*kmsg.DescribeACLsResponse)
	if a.Access == nil {
		p.ErrorCode, p.ErrorMessage = problemOf(errNoAuthorizer)
		return p
	}
	filter := auth.Filter{
		Type: auth.ResourceType(q.ResourceType), Pattern: patternOf(q.Version, q.ResourcePatternType), Name: q.ResourceName,
		Principal: q.Principal, Host: q.Host, Operation: auth.Operation(q.Operation), Permission: auth.Permission(q.PermissionType),
	}
	if err := metadata.CheckACLFilter(&filter); err != nil {
		p.ErrorCode, p.ErrorMessage = problemOf(err)
		return p
	}
	p.ErrorMessage = noText()
	for rule := range a.Metadata.Image().ACLs().All() { // those of a resource lie together
		if !filter.Takes(rule) {
			continue
		}
		if n := len(p.Resources); n == 0 || !sameResource(&p.Resources[n-1], rule) {
			resource := kmsg.NewDescribeACLsResponseResource()
			resource.ResourceType, resource.ResourceName = kmsg.ACLResourceType(rule.Type), rule.Name
			resource.ResourcePatternType = kmsg.ACLResourcePatternType(rule.Pattern)
			p.Resources = append(p.Resources, resource)
		}
		one := kmsg.NewDescribeACLsResponseResourceACL()
		one.Principal, one.Host = rule.Principal, rule.Host
		one.Operation, one.PermissionType = kmsg.ACLOperation(rule.Operation), kmsg.ACLPermissionType(rule.Permission)
		last := &p.Resources[len(p.Resources)-1]
		last.ACLs = append(last.ACLs, one)
	}
	return p
}

func sameResource(r *kmsg.DescribeACLsResponseResource, rule *auth.ACL) bool {
	return r.ResourceType == kmsg.ACLResourceType(rule.Type) && r.ResourcePatternType == kmsg.ACLResourcePatternType(rule.Pattern) &&
		r.ResourceName == rule.Name
}

// patternOf is the pattern of a request, which has none in version 0.
func patternOf(version int16, pattern kmsg.ACLResourcePatternType) auth.Pattern {
	if version == 0 {
		return auth.Literal
	}
	return auth.Pattern(pattern)
}
