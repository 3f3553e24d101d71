package api

// DeleteAcls (key 31), versions 0 to 3.
//
// Takes away the access rules that any of the filters chooses, in one change, and tells
// them for each. Without an authorizer every filter is SECURITY_DISABLED, as with
// DescribeAcls.
//
//	v0     without pattern types: literal ones
//	v1     pattern types (KIP-290)
//	v2     flexible
//	v3     users as resources

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/auth"
	"github.com/barnabas-mq/barnabas/metadata"
)

var deleteACLs = now(kmsg.DeleteACLs, 0, 3, (*API).deleteACLs).onCluster(auth.Alter)

func (a *API) deleteACLs(r *Request, q *kmsg.DeleteACLsRequest) *kmsg.DeleteACLsResponse {
	p := q.ResponseKind().(*kmsg.DeleteACLsResponse)
	filters := make([]auth.Filter, len(q.Filters))
	for i, f := range q.Filters {
		filters[i] = auth.Filter{
			Type: auth.ResourceType(f.ResourceType), Pattern: patternOf(q.Version, f.ResourcePatternType), Name: f.ResourceName,
			Principal: f.Principal, Host: f.Host, Operation: auth.Operation(f.Operation), Permission: auth.Permission(f.PermissionType),
		}
	}
	results, err := make([]metadata.ACLDeletion, len(filters)), error(errNoACLs)
	if a.Access != nil {
		_, err = a.change(r, 0, false, func(image *metadata.Image) (records []metadata.Record, _ error) {
			records, results = metadata.DeleteACLs(image, filters)
			return records, nil
		})
	}
	for _, result := range results {
		one := kmsg.NewDeleteACLsResponseResult()
		if result.Err == nil {
			result.Err = err
		}
		if one.ErrorCode, one.ErrorMessage = problemOf(result.Err); result.Err == nil {
			for _, rule := range result.Rules {
				one.MatchingACLs = append(one.MatchingACLs, deletedACL(rule))
			}
		}
		p.Results = append(p.Results, one)
	}
	return p
}

func deletedACL(rule *auth.ACL) kmsg.DeleteACLsResponseResultMatchingACL {
	one := kmsg.NewDeleteACLsResponseResultMatchingACL()
	one.ResourceType, one.ResourceName = kmsg.ACLResourceType(rule.Type), rule.Name
	one.ResourcePatternType = kmsg.ACLResourcePatternType(rule.Pattern)
	one.Principal, one.Host = rule.Principal, rule.Host
	one.Operation, one.PermissionType = kmsg.ACLOperation(rule.Operation), kmsg.ACLPermissionType(rule.Permission)
	return one
}
