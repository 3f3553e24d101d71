package auth

import "strings"

// Operation is what somebody wants to do, by the numbers of Kafka's AclOperation.
type Operation int8

// The operations. AnyOperation is for filters; All in a rule stands for each of the others.
const (
	AnyOperation    Operation = 1
	All             Operation = 2
	Read            Operation = 3
	Write           Operation = 4
	Create          Operation = 5
	Delete          Operation = 6
	Alter           Operation = 7
	Describe        Operation = 8
	ClusterAction   Operation = 9
	DescribeConfigs Operation = 10
	AlterConfigs    Operation = 11
	IdempotentWrite Operation = 12
	CreateTokens    Operation = 13
	DescribeTokens  Operation = 14
	TwoPhaseCommit  Operation = 15
)

var operationNames = [...]string{
	"UNKNOWN", "ANY", "ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION",
	"DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE", "CREATE_TOKENS", "DESCRIBE_TOKENS", "TWO_PHASE_COMMIT",
}

func (o Operation) String() string { return nameOf(operationNames[:], int8(o)) }

// ResourceType is a kind of what is protected, by the numbers of Kafka's ResourceType.
type ResourceType int8

// The types of resources. AnyResource is for filters.
const (
	AnyResource     ResourceType = 1
	Topic           ResourceType = 2
	Group           ResourceType = 3
	Cluster         ResourceType = 4
	TransactionalID ResourceType = 5
	DelegationToken ResourceType = 6
	UserResource    ResourceType = 7
)

var resourceNames = [...]string{"UNKNOWN", "ANY", "TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID", "DELEGATION_TOKEN", "USER"}

func (t ResourceType) String() string { return nameOf(resourceNames[:], int8(t)) }

// Operations are those that apply to resources of the type: what an answer with authorized
// operations chooses among (KIP-430, AclEntry.supportedOperations).
func (t ResourceType) Operations() []Operation {
	if t < 0 || int(t) >= len(operationsOf) {
		return nil
	}
	return operationsOf[t]
}

var operationsOf = [...][]Operation{
	Topic:           {Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs},
	Group:           {Read, Delete, Describe, DescribeConfigs, AlterConfigs},
	Cluster:         {Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite},
	TransactionalID: {Write, Describe, TwoPhaseCommit},
	DelegationToken: {Describe},
	UserResource:    {CreateTokens, DescribeTokens},
}

// ClusterName is the only name of a resource of type Cluster.
const ClusterName = "kafka-cluster"

// Pattern says how a rule names resources (KIP-290), by the numbers of Kafka's PatternType.
type Pattern int8

// The patterns. AnyPattern and Match are for filters: any rule, and those that cover a name.
const (
	AnyPattern Pattern = 1
	Match      Pattern = 2
	Literal    Pattern = 3 // this name; "*" is every name
	Prefixed   Pattern = 4 // names that begin so
)

var patternNames = [...]string{"UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED"}

func (p Pattern) String() string { return nameOf(patternNames[:], int8(p)) }

// Permission says whether a rule allows or denies, by the numbers of Kafka's AclPermissionType.
type Permission int8

// The permissions. AnyPermission is for filters.
const (
	AnyPermission Permission = 1
	Deny          Permission = 2
	Allow         Permission = 3
)

var permissionNames = [...]string{"UNKNOWN", "ANY", "DENY", "ALLOW"}

func (p Permission) String() string { return nameOf(permissionNames[:], int8(p)) }

func nameOf(names []string, i int8) string {
	if i < 0 || int(i) >= len(names) {
		i = 0
	}
	return names[i]
}

// wildcard is every host, and in a literal pattern every name.
const wildcard = "*"

// everybody is the principal of rules that hold for all.
const everybody = UserType + ":*"

// ACL is one access rule (KIP-11).
type ACL struct {
	Type       ResourceType
	Pattern    Pattern
	Name       string
	Principal  string // Type:Name; User:* is everybody
	Host       string // an address as Java writes it, or *
	Operation  Operation
	Permission Permission
}

// Covers tells whether the rule is about the resource of its type with the name.
func (r *ACL) Covers(name string) bool {
	if r.Pattern == Prefixed {
		return strings.HasPrefix(name, r.Name)
	}
	return r.Name == name || r.Name == wildcard
}

// String is the rule as Kafka writes it into its log (StandardAcl).
func (r *ACL) String() string {
	return "(principal=" + r.Principal + ", host=" + r.Host + ", operation=" + r.Operation.String() + ", permissionType=" + r.Permission.String() +
		", resource=" + r.Type.String() + ":" + r.Pattern.String() + ":" + r.Name + ")"
}

// Filter chooses rules, as DescribeAcls and DeleteAcls do (AclBindingFilter). Nil is anything.
type Filter struct {
	Type       ResourceType
	Pattern    Pattern
	Name       *string
	Principal  *string
	Host       *string
	Operation  Operation
	Permission Permission
}

// Takes tells whether the filter chooses the rule.
func (f *Filter) Takes(r *ACL) bool {
	switch {
	case f.Type != AnyResource && f.Type != r.Type,
		f.Principal != nil && *f.Principal != r.Principal,
		f.Host != nil && *f.Host != r.Host,
		f.Operation != AnyOperation && f.Operation != r.Operation,
		f.Permission != AnyPermission && f.Permission != r.Permission:
		return false
	case f.Pattern == Match:
		return f.Name == nil || r.Covers(*f.Name)
	}
	return (f.Pattern == AnyPattern || f.Pattern == r.Pattern) && (f.Name == nil || *f.Name == r.Name)
}

// Known tells whether every part of the filter is one that Kafka has.
func (f *Filter) Known() bool {
	return known(resourceNames[:], int8(f.Type)) && known(patternNames[:], int8(f.Pattern)) &&
		known(operationNames[:], int8(f.Operation)) && known(permissionNames[:], int8(f.Permission))
}

func known(names []string, i int8) bool { return i > 0 && int(i) < len(names) }

// IsRule tells whether the operation and the type of the rule are some that a rule can have.
func (r *ACL) IsRule() (what string, ok bool) {
	switch {
	case r.Type == AnyResource || !known(resourceNames[:], int8(r.Type)):
		return "resourceType " + r.Type.String(), false
	case r.Pattern != Literal && r.Pattern != Prefixed:
		return "patternType " + r.Pattern.String(), false
	case r.Operation == AnyOperation || !known(operationNames[:], int8(r.Operation)):
		return "operation " + r.Operation.String(), false
	case r.Permission != Deny && r.Permission != Allow:
		return "permissionType " + r.Permission.String(), false
	}
	return "", true
}
