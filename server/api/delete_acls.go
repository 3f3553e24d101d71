package api

// DeleteAcls (key 31), versions 0 to 3.
//
// There is no authorizer: every filter is SECURITY_DISABLED, as with DescribeAcls.
//
//	v0     without pattern types
//	v1     pattern types (KIP-290)
//	v2     flexible
//	v3     users as resources
//
// Left out: rules.

import "github.com/twmb/franz-go/pkg/kmsg"

var deleteACLs = now(kmsg.DeleteACLs, 0, 3, (*API).deleteACLs)

func (a *API) deleteACLs(_ *Request, q *kmsg.DeleteACLsRequest) *kmsg.DeleteACLsResponse {
	p := q.ResponseKind().(*kmsg.DeleteACLsResponse)
	for range q.Filters {
		one := kmsg.NewDeleteACLsResponseResult()
		one.ErrorCode, one.ErrorMessage = problemOf(errNoACLs)
		p.Results = append(p.Results, one)
	}
	return p
}
