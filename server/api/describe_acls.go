package api

// DescribeAcls (key 29), versions 0 to 3.
//
// There is no authorizer, and so SECURITY_DISABLED is the answer, as from a Kafka
// without one: clients and consoles take it for "there are no access rules here".
//
//	v0     without pattern types
//	v1     pattern types (KIP-290)
//	v2     flexible
//	v3     users as resources
//
// Left out: rules. Those in an adopted directory are kept in the metadata, unseen.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var describeACLs = now(kmsg.DescribeACLs, 0, 3, (*API).describeACLs)

// errNoAuthorizer says why access rules cannot be seen or changed.
var errNoAuthorizer = protocol.ErrSecurityDisabled.WithMessage("No Authorizer is configured on the broker")

func (a *API) describeACLs(_ *Request, q *kmsg.DescribeACLsRequest) *kmsg.DescribeACLsResponse {
	p := q.ResponseKind().(*kmsg.DescribeACLsResponse)
	p.ErrorCode, p.ErrorMessage = problemOf(errNoAuthorizer)
	return p
}
