package differ

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

func aclRule(name string, operation kmsg.ACLOperation) kmsg.CreateACLsRequestCreation {
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceTypeTopic, name, kmsg.ACLResourcePatternTypeLiteral
	c.Principal, c.Host, c.Operation, c.PermissionType = "User:alice", "*", operation, kmsg.ACLPermissionTypeAllow
	return c
}

func aclFilter(name *string) kmsg.DeleteACLsRequestFilter {
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourceName, f.ResourcePatternType = kmsg.ACLResourceTypeTopic, name, kmsg.ACLResourcePatternTypeLiteral
	f.Operation, f.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return f
}

// aclStories are told to a broker without an authorizer.
func aclStories() []Story {
	return []Story{
		{Name: "describe acls/no authorizer", Key: kmsg.DescribeACLs, Tell: func(s *Session) {
			req := kmsg.NewPtrDescribeACLsRequest()
			req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeLiteral
			req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
			s.Ask("all", req)
			req = kmsg.NewPtrDescribeACLsRequest()
			req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeLiteral
			req.ResourceName, req.Principal, req.Host = ptr("t"), ptr("User:alice"), ptr("*")
			req.Operation, req.PermissionType = kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow
			s.Ask("one", req)
		}},
		{Name: "create acls/no authorizer", Key: kmsg.CreateACLs, Tell: func(s *Session) {
			req := kmsg.NewPtrCreateACLsRequest()
			s.Ask("none", req)
			req = kmsg.NewPtrCreateACLsRequest()
			req.Creations = []kmsg.CreateACLsRequestCreation{aclRule("a", kmsg.ACLOperationRead), aclRule("b", kmsg.ACLOperationWrite)}
			s.Ask("two", req)
		}},
		{Name: "delete acls/no authorizer", Key: kmsg.DeleteACLs, Tell: func(s *Session) {
			s.Ask("none", kmsg.NewPtrDeleteACLsRequest())
			req := kmsg.NewPtrDeleteACLsRequest()
			req.Filters = []kmsg.DeleteACLsRequestFilter{aclFilter(nil), aclFilter(ptr("a"))}
			s.Ask("two", req)
		}},
	}
}

// tokenStories are told on a plaintext listener.
func tokenStories() []Story {
	return []Story{
		{Name: "create delegation token/plaintext", Key: kmsg.CreateDelegationToken, Tell: func(s *Session) {
			req := kmsg.NewPtrCreateDelegationTokenRequest()
			req.MaxLifetimeMillis = -1
			s.Ask("plain", req)
			req = kmsg.NewPtrCreateDelegationTokenRequest()
			r := kmsg.NewCreateDelegationTokenRequestRenewer()
			r.PrincipalType, r.PrincipalName = "Group", "g"
			req.Renewers = []kmsg.CreateDelegationTokenRequestRenewer{r}
			s.Ask("a bad renewer", req)
			if s.Version >= 3 {
				req = kmsg.NewPtrCreateDelegationTokenRequest()
				req.OwnerPrincipalType, req.OwnerPrincipalName = ptr("User"), ptr("alice")
				s.Ask("for somebody else", req)
				req.OwnerPrincipalName = ptr("")
				s.Ask("for nobody", req)
			}
		}},
		{Name: "renew delegation token/plaintext", Key: kmsg.RenewDelegationToken, Tell: func(s *Session) {
			req := kmsg.NewPtrRenewDelegationTokenRequest()
			req.HMAC, req.RenewTimeMillis = []byte("h"), 1000
			s.Ask("unknown", req)
		}},
		{Name: "expire delegation token/plaintext", Key: kmsg.ExpireDelegationToken, Tell: func(s *Session) {
			req := kmsg.NewPtrExpireDelegationTokenRequest()
			req.HMAC, req.ExpiryPeriodMillis = []byte("h"), 1000
			s.Ask("unknown", req)
		}},
		{Name: "describe delegation token/plaintext", Key: kmsg.DescribeDelegationToken, Tell: func(s *Session) {
			req := kmsg.NewPtrDescribeDelegationTokenRequest()
			s.Ask("all", req)
			req.Owners = []kmsg.DescribeDelegationTokenRequestOwner{}
			s.Ask("of nobody", req)
			o := kmsg.NewDescribeDelegationTokenRequestOwner()
			o.PrincipalType, o.PrincipalName = "User", "alice"
			req.Owners = append(req.Owners, o)
			s.Ask("of one", req)
		}},
	}
}

// saslStories are told on a listener that does not ask for it.
func saslStories() []Story {
	return []Story{
		{Name: "sasl handshake/plaintext", Key: kmsg.SASLHandshake, Tell: func(s *Session) {
			req := kmsg.NewPtrSASLHandshakeRequest()
			for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "nonsense", ""} {
				req.Mechanism = mechanism
				s.Ask("mechanism "+mechanism, req)
			}
			s.Ask("the connection lives on", kmsg.NewPtrListTransactionsRequest())
		}},
		{Name: "sasl authenticate/plaintext", Key: kmsg.SASLAuthenticate, Tell: func(s *Session) {
			req := kmsg.NewPtrSASLAuthenticateRequest()
			req.SASLAuthBytes = []byte("\x00alice\x00secret")
			s.Ask("out of the blue", req)
			s.Ask("the connection lives on", kmsg.NewPtrListTransactionsRequest())
		}},
	}
}

func scramStories() []Story {
	return []Story{
		{Name: "alter user scram credentials/every way", Key: kmsg.AlterUserSCRAMCredentials, Tell: tellScram},
		{Name: "describe user scram credentials/every way", Key: kmsg.DescribeUserSCRAMCredentials, Tell: tellScram},
	}
}

func tellScram(s *Session) {
	a, b, n := s.Topic("a"), s.Topic("b"), s.Topic("n")
	s.Ask("nothing", alterScram(nil))
	s.Ask("two users", alterScram(nil, setScram(a, 1, 4096), setScram(b, 2, 16384)))
	s.Ask("another mechanism", alterScram(nil, setScram(a, 2, 5000)))
	s.Until(describeScram(a), func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results[0].CredentialInfos) == 2
	})
	s.Ask("described", describeScram(a, b, n))
	s.Ask("described twice", describeScram(a, a, n, n, b))
	s.Ask("described without a name", describeScram(""))
	tellScramMistakes(s, a, b, n)
	s.Until(describeScram(n), func(r kmsg.Response) bool {
		return r.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results[0].ErrorCode == 0
	})
	s.Ask("described after that", describeScram(a, b, n))
	s.Ask("deleted", alterScram([]scramDeletion{dropScram(a, 1), dropScram(b, 2), dropScram(n, 1)}))
	s.Until(describeScram(b), func(r kmsg.Response) bool {
		return r.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results[0].ErrorCode != 0
	})
	s.Ask("described after deletions", describeScram(a, b))
	s.Ask("deleted again", alterScram([]scramDeletion{dropScram(a, 1)}))
	s.Ask("all users", describeScram())
	empty := describeScram()
	empty.Users = []kmsg.DescribeUserSCRAMCredentialsRequestUser{}
	s.Ask("all users, by an empty list", empty)
	s.Ask("the last one", alterScram([]scramDeletion{dropScram(a, 2)}))
	s.Until(empty, func(r kmsg.Response) bool {
		return len(r.(*kmsg.DescribeUserSCRAMCredentialsResponse).Results) == 0
	})
	s.Ask("nobody", empty)
}

// tellScramMistakes ends with a user n that has a credential.
func tellScramMistakes(s *Session, a, b, n string) {
	noPassword := setScram(n, 1, 4096)
	noPassword.SaltedPassword = nil
	noSalt := setScram(n, 1, 4096)
	noSalt.Salt = nil
	for _, c := range []struct {
		label string
		req   *kmsg.AlterUserSCRAMCredentialsRequest
	}{
		{"no name", alterScram(nil, setScram("", 1, 4096))},
		{"mechanism 0", alterScram(nil, setScram(n, 0, 4096))},
		{"mechanism 3", alterScram(nil, setScram(n, 3, 4096))},
		{"few iterations", alterScram(nil, setScram(n, 1, 4095))},
		{"few iterations of the other", alterScram(nil, setScram(n, 2, 4095))},
		{"many iterations", alterScram(nil, setScram(n, 1, 16385))},
		{"no password", alterScram(nil, noPassword)},
		{"deleted, unknown", alterScram([]scramDeletion{dropScram(n, 1)})},
		{"deleted, other mechanism", alterScram([]scramDeletion{dropScram(b, 1)})},
		{"deleted, no name", alterScram([]scramDeletion{dropScram("", 1)})},
		{"deleted, mechanism 9", alterScram([]scramDeletion{dropScram(a, 9)})},
		{"set twice", alterScram(nil, setScram(n, 1, 4096), setScram(n, 2, 4096))},
		{"deleted and set", alterScram([]scramDeletion{dropScram(a, 1)}, setScram(a, 1, 8192))},
		{"deleted twice", alterScram([]scramDeletion{dropScram(a, 1), dropScram(a, 2)})},
		{"a mistake and twice", alterScram(nil, setScram(n, 1, 1), setScram(n, 1, 4096))},
		{"one of three is wrong", alterScram([]scramDeletion{dropScram(n, 1)}, setScram(a, 1, 6000), setScram(b, 2, 7000))},
		{"no salt", alterScram(nil, noSalt)},
	} {
		s.Ask(c.label, c.req)
	}
}

func describeScram(users ...string) *kmsg.DescribeUserSCRAMCredentialsRequest {
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	for _, name := range users {
		u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		u.Name = name
		req.Users = append(req.Users, u)
	}
	return req
}

type scramDeletion = kmsg.AlterUserSCRAMCredentialsRequestDeletion

type scramUpsertion = kmsg.AlterUserSCRAMCredentialsRequestUpsertion

func alterScram(deletions []scramDeletion, upsertions ...scramUpsertion) *kmsg.AlterUserSCRAMCredentialsRequest {
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	req.Deletions, req.Upsertions = deletions, upsertions
	return req
}

func setScram(user string, mechanism int8, iterations int32) scramUpsertion {
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations = user, mechanism, iterations
	u.Salt, u.SaltedPassword = []byte("salt"), []byte("salted password of a user")
	return u
}

func dropScram(user string, mechanism int8) scramDeletion {
	d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
	d.Name, d.Mechanism = user, mechanism
	return d
}
