package api

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

// Without an authorizer, SASL or authenticated connections the answers say so, in
// every version, as recorded from Apache Kafka 4.3.1 and 3.9.2.
func TestSecurityIsOff(t *testing.T) {
	w := newWorld(t)
	for version := int16(0); version <= describeACLs.max; version++ {
		if p := ask[*kmsg.DescribeACLsResponse](w, version, kmsg.NewPtrDescribeACLsRequest()); p.ErrorCode != protocol.ErrSecurityDisabled.Code || p.ErrorMessage == nil {
			t.Errorf("DescribeAcls v%d: %+v", version, p)
		}
		create := kmsg.NewPtrCreateACLsRequest()
		create.Creations = make([]kmsg.CreateACLsRequestCreation, 2)
		if p := ask[*kmsg.CreateACLsResponse](w, version, create); len(p.Results) != 2 || p.Results[1].ErrorCode != protocol.ErrSecurityDisabled.Code {
			t.Errorf("CreateAcls v%d: %+v", version, p)
		}
		remove := kmsg.NewPtrDeleteACLsRequest()
		remove.Filters = make([]kmsg.DeleteACLsRequestFilter, 3)
		if p := ask[*kmsg.DeleteACLsResponse](w, version, remove); len(p.Results) != 3 || p.Results[2].ErrorCode != protocol.ErrSecurityDisabled.Code {
			t.Errorf("DeleteAcls v%d: %+v", version, p)
		}
	}
	for version := int16(0); version <= createDelegationToken.max; version++ {
		q := kmsg.NewPtrCreateDelegationTokenRequest()
		kind, name := "Robot", "alice"
		q.OwnerPrincipalType, q.OwnerPrincipalName = &kind, &name
		p := ask[*kmsg.CreateDelegationTokenResponse](w, version, q)
		owner := "User:ANONYMOUS"
		if version >= 3 {
			owner = "Robot:alice"
		}
		if p.ErrorCode != protocol.ErrDelegationTokenRequestNotAllowed.Code || p.PrincipalType+":"+p.PrincipalName != owner || p.IssueTimestamp != -1 {
			t.Errorf("CreateDelegationToken v%d: %+v", version, p)
		}
		if p := ask[*kmsg.DescribeDelegationTokenResponse](w, version, kmsg.NewPtrDescribeDelegationTokenRequest()); p.ErrorCode != protocol.ErrDelegationTokenRequestNotAllowed.Code {
			t.Errorf("DescribeDelegationToken v%d: %+v", version, p)
		}
	}
	for version := int16(0); version <= renewDelegationToken.max; version++ {
		if p := ask[*kmsg.RenewDelegationTokenResponse](w, version, kmsg.NewPtrRenewDelegationTokenRequest()); p.ErrorCode != protocol.ErrDelegationTokenRequestNotAllowed.Code || p.ExpiryTimestamp != -1 {
			t.Errorf("RenewDelegationToken v%d: %+v", version, p)
		}
		if p := ask[*kmsg.ExpireDelegationTokenResponse](w, version, kmsg.NewPtrExpireDelegationTokenRequest()); p.ErrorCode != protocol.ErrDelegationTokenRequestNotAllowed.Code || p.ExpiryTimestamp != -1 {
			t.Errorf("ExpireDelegationToken v%d: %+v", version, p)
		}
		if p := ask[*kmsg.SASLAuthenticateResponse](w, version, kmsg.NewPtrSASLAuthenticateRequest()); p.ErrorCode != protocol.ErrIllegalSASLState.Code || p.ErrorMessage == nil {
			t.Errorf("SaslAuthenticate v%d: %+v", version, p)
		}
	}
	for version := int16(0); version <= saslHandshake.max; version++ {
		if p := ask[*kmsg.SASLHandshakeResponse](w, version, kmsg.NewPtrSASLHandshakeRequest()); p.ErrorCode != protocol.ErrIllegalSASLState.Code || len(p.SupportedMechanisms) != 0 {
			t.Errorf("SaslHandshake v%d: %+v", version, p)
		}
	}
}

func alterScram(w *world, deletions []kmsg.AlterUserSCRAMCredentialsRequestDeletion, upsertions ...kmsg.AlterUserSCRAMCredentialsRequestUpsertion) map[string]int16 {
	q := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	q.Deletions, q.Upsertions = deletions, upsertions
	codes := make(map[string]int16)
	for _, r := range ask[*kmsg.AlterUserSCRAMCredentialsResponse](w, 0, q).Results {
		codes[r.User] = r.ErrorCode
	}
	return codes
}

func upsertion(user string, mechanism int8, iterations int32) kmsg.AlterUserSCRAMCredentialsRequestUpsertion {
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations, u.Salt, u.SaltedPassword = user, mechanism, iterations, []byte("salt"), []byte("salted")
	return u
}

// Users come, are described without anything secret, survive a restart, and go.
func TestScramUsers(t *testing.T) {
	w := newWorld(t)
	describe := func(users ...string) []kmsg.DescribeUserSCRAMCredentialsResponseResult {
		q := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
		for _, name := range users {
			u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
			u.Name = name
			q.Users = append(q.Users, u)
		}
		return ask[*kmsg.DescribeUserSCRAMCredentialsResponse](w, 0, q).Results
	}
	if codes := alterScram(w, nil, upsertion("alice", 1, 4096), upsertion("bob", 2, 8192), upsertion("carol", 1, 1)); codes["alice"] != 0 || codes["bob"] != 0 || codes["carol"] != protocol.ErrUnacceptableCredential.Code {
		t.Errorf("codes %v", codes)
	}
	if codes := alterScram(w, nil, upsertion("alice", 2, 5000)); codes["alice"] != 0 {
		t.Errorf("codes %v", codes)
	}
	w.restart()
	all := describe()
	if len(all) != 2 || all[0].User != "alice" || len(all[0].CredentialInfos) != 2 || all[0].CredentialInfos[1].Iterations != 5000 || all[1].User != "bob" {
		t.Errorf("after a restart: %+v", all)
	}
	some := describe("bob", "carol", "alice", "alice")
	var codes []int16
	for _, r := range some {
		codes = append(codes, r.ErrorCode)
	}
	if want := []int16{0, protocol.ErrResourceNotFound.Code, protocol.ErrDuplicateResource.Code}; !slices.Equal(codes, want) || len(some[2].CredentialInfos) != 0 {
		t.Errorf("described: %v, want %v", codes, want)
	}
	if codes := alterScram(w, []kmsg.AlterUserSCRAMCredentialsRequestDeletion{{Name: "bob", Mechanism: 2}, {Name: "alice", Mechanism: 7}}); codes["bob"] != 0 || codes["alice"] != protocol.ErrUnsupportedSASLMechanism.Code {
		t.Errorf("codes %v", codes)
	}
	if all := describe(); len(all) != 1 || all[0].User != "alice" {
		t.Errorf("after a deletion: %+v", all)
	}
}

// A change that could not be written is a failure of every user.
func TestScramUsersWhenNothingCanBeWritten(t *testing.T) {
	w := newWorld(t)
	w.journal.setFail(errDiskFull)
	codes := alterScram(w, nil, upsertion("alice", 1, 4096), upsertion("", 1, 4096))
	if codes["alice"] != protocol.ErrKafkaStorageError.Code || codes[""] != protocol.ErrUnacceptableCredential.Code {
		t.Errorf("codes %v", codes)
	}
	w.journal.setFail(nil)
}

// A number that stands for nothing is refused the same, whatever it is in, by what shows
// rules and by what takes them away.
func TestFiltersOfNothing(t *testing.T) {
	w := newGuardedWorld(t)
	w.rules("allow alice READ TOPIC t")
	for _, c := range []struct {
		set   func(resource, pattern, operation, permission *int8)
		what  string
		fails bool
	}{
		{func(_, _, _, _ *int8) {}, "anything", false},
		{func(resource, _, _, _ *int8) { *resource = 8 }, "a resource", true},
		{func(_, pattern, _, _ *int8) { *pattern = 5 }, "a pattern", true},
		{func(_, pattern, _, _ *int8) { *pattern = 0 }, "no pattern", true},
		{func(_, _, operation, _ *int8) { *operation = 99 }, "an operation", true},
		{func(_, _, operation, _ *int8) { *operation = -1 }, "a negative one", true},
		{func(_, _, _, permission *int8) { *permission = 0 }, "no permission", true},
	} {
		resource, pattern, operation, permission := int8(1), int8(1), int8(1), int8(1)
		c.set(&resource, &pattern, &operation, &permission)
		q := kmsg.NewPtrDescribeACLsRequest()
		q.ResourceType, q.ResourcePatternType = kmsg.ACLResourceType(resource), kmsg.ACLResourcePatternType(pattern)
		q.Operation, q.PermissionType = kmsg.ACLOperation(operation), kmsg.ACLPermissionType(permission)
		shown := ask[*kmsg.DescribeACLsResponse](w, 3, q)
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourcePatternType, f.Operation, f.PermissionType = q.ResourceType, q.ResourcePatternType, q.Operation, q.PermissionType
		remove := kmsg.NewPtrDeleteACLsRequest()
		remove.Filters = append(remove.Filters, f)
		removed := ask[*kmsg.DeleteACLsResponse](w, 3, remove).Results[0]
		want := int16(0)
		if c.fails {
			want = protocol.ErrInvalidRequest.Code
		}
		if shown.ErrorCode != want || removed.ErrorCode != want || (len(shown.Resources) == 0) != c.fails {
			t.Errorf("%s: shown with error %d, removed with error %d, want %d", c.what, shown.ErrorCode, removed.ErrorCode, want)
		}
	}
}
