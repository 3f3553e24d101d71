package auth

import "iter"

// Rules are the access rules that there are.
type Rules interface {
	// Covering yields the rules about a resource.
	Covering(t ResourceType, name string) iter.Seq[*ACL]
	// OfType yields the rules about any resource of the type.
	OfType(t ResourceType) iter.Seq[*ACL]
}

// Action is what somebody wants to do.
type Action struct {
	Who       Principal
	Host      string // as Java writes an address
	Operation Operation
	Type      ResourceType
	Name      string
}

// Authorizer decides as Kafka's StandardAuthorizer does.
type Authorizer struct {
	// SuperUsers may do everything (super.users), as Type:Name.
	SuperUsers map[string]bool
	// AllowIfNone lets everybody do what no rule is about (allow.everyone.if.no.acl.found).
	AllowIfNone bool
}

// Verdict is a decision and what it rests on.
type Verdict struct {
	Allowed bool
	// Rule is the one that decided; nil where none did, and By says what else.
	Rule *ACL
	By   Ground
}

// Ground is what a verdict rests on that no rule decided.
type Ground string

// The grounds, in the words of Kafka's audit log.
const (
	ByRule      Ground = "MatchingAcl"
	BySuperUser Ground = "SuperUser"
	ByDefault   Ground = "Default"
)

func (v Verdict) String() string {
	switch {
	case v.By == ByRule:
		return "MatchingAcl(acl=" + v.Rule.String() + ")"
	case v.By == BySuperUser:
		return string(v.By)
	case v.Allowed:
		return "DefaultAllow"
	}
	return "DefaultDeny"
}

// Decide tells whether the action is allowed: to super users always; else a rule that
// denies it counts more than all that allow it, and what no rule allows is not.
func (z *Authorizer) Decide(rules Rules, a *Action) Verdict {
	principal := a.Who.String()
	if z.SuperUsers[principal] {
		return Verdict{Allowed: true, By: BySuperUser}
	}
	v := Verdict{Allowed: z.AllowIfNone, By: ByDefault}
	for r := range rules.Covering(a.Type, a.Name) {
		if v.By == ByDefault {
			v.Allowed = false // there are rules about the resource
		}
		switch {
		case !r.isAbout(principal, a.Host) || !r.applies(a.Operation):
		case r.Permission == Deny:
			return Verdict{Rule: r, By: ByRule}
		default:
			v = Verdict{Allowed: true, Rule: r, By: ByRule}
		}
	}
	return v
}

func (r *ACL) isAbout(principal, host string) bool {
	return (r.Principal == principal || r.Principal == everybody) && (r.Host == wildcard || r.Host == host)
}

// applies tells whether the rule is about the operation. To allow some operations is to
// allow that the resource is described; to deny them is not to deny that.
func (r *ACL) applies(o Operation) bool {
	switch {
	case r.Operation == o || r.Operation == All:
		return true
	case r.Permission != Allow:
		return false
	case o == Describe:
		return r.Operation == Read || r.Operation == Write || r.Operation == Delete || r.Operation == Alter
	case o == DescribeConfigs:
		return r.Operation == AlterConfigs
	}
	return false
}

// someName is the name that Kafka asks about before it looks at the rules of a whole type.
const someName = "hardcode"

// DecideAny tells whether the operation is allowed on any resource of the type
// (Authorizer.authorizeByResourceType): the name of the action counts for nothing. No
// operation implies another here.
func (z *Authorizer) DecideAny(rules Rules, a *Action) Verdict {
	one := *a
	one.Name = someName
	if v := z.Decide(rules, &one); v.Allowed {
		return v
	}
	principal := a.Who.String()
	var everyName *ACL
	var allowed []*ACL
	denied := make(map[namePattern]bool)
	for r := range rules.OfType(a.Type) {
		switch {
		case !r.isAbout(principal, a.Host) || r.Operation != a.Operation && r.Operation != All:
		case r.Permission == Deny && r.Pattern == Literal && r.Name == wildcard:
			return Verdict{Rule: r, By: ByRule}
		case r.Permission == Deny:
			denied[namePattern{r.Pattern, r.Name}] = true
		case r.Pattern == Literal && r.Name == wildcard:
			everyName = r
		default:
			allowed = append(allowed, r)
		}
	}
	if everyName != nil {
		return Verdict{Allowed: true, Rule: everyName, By: ByRule}
	}
	for _, r := range allowed {
		if !dominated(r, denied) {
			return Verdict{Allowed: true, Rule: r, By: ByRule}
		}
	}
	return Verdict{By: ByDefault}
}

type namePattern struct {
	pattern Pattern
	name    string
}

// dominated tells whether all that the rule allows is denied.
func dominated(r *ACL, denied map[namePattern]bool) bool {
	if r.Pattern == Literal && denied[namePattern{Literal, r.Name}] {
		return true
	}
	for i := 1; i <= len(r.Name); i++ {
		if denied[namePattern{Prefixed, r.Name[:i]}] {
			return true
		}
	}
	return false
}
