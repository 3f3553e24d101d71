package access

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// filter draws what finds some of the rules.
func (d *draw) filter() kmsg.DeleteACLsRequestFilter {
	f := anyRule()
	f.ResourceType = oneOf(d.Rand, []kmsg.ACLResourceType{kmsg.ACLResourceTypeAny, topicKind, topicKind, groupKind, clusterKind})
	f.ResourcePatternType = oneOf(d.Rand, []kmsg.ACLResourcePatternType{kmsg.ACLResourcePatternTypeAny, kmsg.ACLResourcePatternTypeMatch, literal, prefixed})
	if d.flag() {
		f.ResourceName = ptr(oneOf(d.Rand, append([]string{anyName, "red-", clusterName}, names...)))
	}
	if d.rarely(3) {
		f.Principal = ptr("User:" + oneOf(d.Rand, []string{alice, bob, anyName}))
	}
	if d.rarely(4) {
		f.Host = ptr(oneOf(d.Rand, []string{anyName, "127.0.0.1"}))
	}
	if d.rarely(3) {
		f.Operation = oneOf(d.Rand, everyOperation)
	}
	if d.rarely(4) {
		f.PermissionType = oneOf(d.Rand, []kmsg.ACLPermissionType{kmsg.ACLPermissionTypeAllow, kmsg.ACLPermissionTypeDeny})
	}
	return f
}

func (d *draw) describeACLs() kmsg.Request { return describeOf(d.filter()) }

// createACLs makes rules about nobody, and such as cannot be.
func (d *draw) createACLs() kmsg.Request {
	req := kmsg.NewPtrCreateACLsRequest()
	for range 1 + d.IntN(3) {
		c := drawRule(d.Rand)
		c.Principal = "User:nobody"
		switch d.IntN(8) {
		case 0:
			c.ResourceName = ""
		case 1:
			c.ResourceType, c.ResourceName = clusterKind, "red-1"
		}
		req.Creations = append(req.Creations, c)
	}
	return req
}

func (d *draw) deleteACLs() kmsg.Request {
	req := kmsg.NewPtrDeleteACLsRequest()
	for range 1 + d.IntN(2) {
		req.Filters = append(req.Filters, d.filter())
	}
	return req
}

// afterACLs waits until what was answered counts, and imposes the rules again.
func (r *room) afterACLs(kmsg.Response) {
	settle(r.Session)
	impose(r.Session, r.rules)
}

func (d *draw) createToken() kmsg.Request {
	req := kmsg.NewPtrCreateDelegationTokenRequest()
	req.MaxLifetimeMillis = int64(longMillis)
	if d.flag() {
		req.OwnerPrincipalType, req.OwnerPrincipalName = ptr("User"), ptr(oneOf(d.Rand, []string{alice, bob, carol}))
	}
	return req
}

func (d *draw) renewToken() kmsg.Request {
	req := kmsg.NewPtrRenewDelegationTokenRequest()
	req.HMAC, req.RenewTimeMillis = []byte("of no token"), 1000
	return req
}

func (d *draw) expireToken() kmsg.Request {
	req := kmsg.NewPtrExpireDelegationTokenRequest()
	req.HMAC, req.ExpiryPeriodMillis = []byte("of no token"), 1000
	return req
}

func (d *draw) describeTokens() kmsg.Request {
	req := kmsg.NewPtrDescribeDelegationTokenRequest()
	if d.flag() {
		req.Owners = []kmsg.DescribeDelegationTokenRequestOwner{{PrincipalType: "User", PrincipalName: oneOf(d.Rand, []string{alice, bob})}}
	}
	return req
}

func (d *draw) describeQuotas() kmsg.Request {
	c := kmsg.NewDescribeClientQuotasRequestComponent()
	c.EntityType, c.Match = "user", ptr(alice)
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Components = append(req.Components, c)
	return req
}

// alterQuotas only tries.
func (d *draw) alterQuotas() kmsg.Request {
	o := kmsg.NewAlterClientQuotasRequestEntryOp()
	o.Key, o.Value = "producer_byte_rate", 1<<30
	e := kmsg.NewAlterClientQuotasRequestEntry()
	e.Entity, e.Ops = []kmsg.AlterClientQuotasRequestEntryEntity{{Type: "user", Name: ptr(alice)}}, append(e.Ops, o)
	req := kmsg.NewPtrAlterClientQuotasRequest()
	req.Entries, req.ValidateOnly = append(req.Entries, e), true
	return req
}

// describeScram asks for all users by an empty list: Kafka 4.3.1 never answers who may not
// ask and asks by null.
func (d *draw) describeScram() kmsg.Request {
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	req.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{}
	if d.flag() {
		req.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{{Name: alice}}
	}
	return req
}

// alterScram deletes what is not there.
func (d *draw) alterScram() kmsg.Request {
	one := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
	one.Name, one.Mechanism = "nobody", 1
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	req.Deletions = append(req.Deletions, one)
	return req
}
