package mutations

// The stories of the harness of access rules.
const withRules = "^TestAccess$/^stories$/"

// access are what the broker lets through, and what it tells.
var access = []Mutation{
	{
		Name: "deny-outvoted", Breaks: "what one rule denies no other allows",
		File:    "auth/authorizer.go",
		Old:     `		case !r.isAbout(principal, a.Host) || !r.applies(a.Operation):`,
		New:     `		case !r.isAbout(principal, a.Host) || !r.applies(a.Operation) || MUTATED && r.Permission == Deny:`,
		Package: "access", Run: withRules + "^rules$", Says: `(?s)rules/which counts.*field: +Topics\[red-1\]`,
	},
	{
		Name: "denial-implies", Breaks: "to deny that a topic is read is not to deny that it is described",
		File:    "auth/authorizer.go",
		Old:     `	case r.Permission != Allow:`,
		New:     `	case r.Permission != Allow && !MUTATED:`,
		Package: "access", Run: withRules + "^rules$", Says: `(?s)rules/which counts.*field: +Topics\[red-1\]`,
	},
	{
		Name: "domination-forgotten", Breaks: "who may write to topics all of which are denied to him gets no producer id",
		File:    "auth/authorizer.go",
		Old:     `		if !dominated(r, denied) {`,
		New:     `		if MUTATED || !dominated(r, denied) {`,
		Package: "access", Run: withRules + "^init_producer_id$", Says: `(?s)init producer id/idempotent.*field: +ErrorCode`,
	},
	{
		Name: "groups-told", Breaks: "groups that a client may not describe are not listed to it",
		File:    "server/api/list_groups.go",
		Old:     `			if !all && !a.maySee(asker, auth.Describe, auth.Group, g.GroupID) {`,
		New:     `			if !MUTATED && !all && !a.maySee(asker, auth.Describe, auth.Group, g.GroupID) {`,
		Package: "access", Run: withRules + "^groups$/^listed$", Says: `(?s)groups/listed.*field: +Groups\[red-2\]`,
	},
}
