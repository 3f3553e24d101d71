package api

// CreateAcls (key 30), versions 0 to 3.
//
// Adds access rules. Each is judged by itself; one that exists is there afterwards, too.
// Without an authorizer every rule is SECURITY_DISABLED, as with DescribeAcls.
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

var createACLs = now(kmsg.CreateACLs, 0, 3, (*API).createACLs).onCluster(auth.Alter)

// errNoACLs is errNoAuthorizer in the words of Kafka's controller (AclApis).
var errNoACLs = protocol.ErrSecurityDisabled.WithMessage("No Authorizer is configured.")

func (a *API) createACLs(r *Request, q *kmsg.CreateACLsRequest) *kmsg.CreateACLsResponse {
	p := q.ResponseKind().(*kmsg.CreateACLsResponse)
	rules := make([]auth.ACL, len(q.Creations))
	for i, c := range q.Creations {
		rules[i] = auth.ACL{
			Type: auth.ResourceType(c.ResourceType), Pattern: patternOf(q.Version, c.ResourcePatternType), Name: c.ResourceName,
			Principal: c.Principal, Host: c.Host, Operation: auth.Operation(c.Operation), Permission: auth.Permission(c.PermissionType),
		}
	}
	results, err := make([]error, len(rules)), error(errNoACLs)
	if a.Access != nil {
		_, err = a.change(r, 0, false, func(image *metadata.Image) (records []metadata.Record, _ error) {
			records, results = metadata.CreateACLs(image, rules, protocol.NewUUID)
			return records, nil
		})
	}
	for _, problem := range results {
		if problem == nil {
			problem = err
		}
		one := kmsg.NewCreateACLsResponseResult()
		if one.ErrorCode, one.ErrorMessage = problemOf(problem); problem == nil {
			one.ErrorMessage = noText()
		}
		p.Results = append(p.Results, one)
	}
	return p
}
