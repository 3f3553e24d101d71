package api

// CreateAcls (key 30), versions 0 to 3.
//
// There is no authorizer: every rule is SECURITY_DISABLED, as with DescribeAcls.
//
//	v0     without pattern types
//	v1     pattern types (KIP-290)
//	v2     flexible
//	v3     users as resources
//
// Left out: rules.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var createACLs = now(kmsg.CreateACLs, 0, 3, (*API).createACLs)

// errNoACLs is errNoAuthorizer in the words of Kafka's controller (AclApis).
var errNoACLs = protocol.ErrSecurityDisabled.WithMessage("No Authorizer is configured.")

func (a *API) createACLs(_ *Request, q *kmsg.CreateACLsRequest) *kmsg.CreateACLsResponse {
	p := q.ResponseKind().(*kmsg.CreateACLsResponse)
	for range q.Creations {
		one := kmsg.NewCreateACLsResponseResult()
		one.ErrorCode, one.ErrorMessage = problemOf(errNoACLs)
		p.Results = append(p.Results, one)
	}
	return p
}
