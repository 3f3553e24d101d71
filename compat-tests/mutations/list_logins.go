package mutations

// The scenario in which gokrb5 shows tickets.
const withTickets = "^TestOtherCode$"

// logins are who comes in.
var logins = []Mutation{
	{
		Name: "ticket-for-ever", Breaks: "a ticket that has expired lets nobody in",
		File:    "auth/kerberos/context.go",
		Old:     `	case now.After(t.until.Add(Skew)):`,
		New:     `	case !MUTATED && now.After(t.until.Add(Skew)):`,
		Package: "kerberos", Run: withTickets, Says: `TestOtherCode/a_ticket_expired`,
	},
	{
		Name: "ticket-twice", Breaks: "a request that was seen before lets nobody in",
		File:    "auth/kerberos/replay.go",
		Old:     `	if _, longer := r.mu.before.seen[id]; known || longer {`,
		New:     `	if _, longer := r.mu.before.seen[id]; !MUTATED && (known || longer) {`,
		Package: "kerberos", Run: withTickets, Says: `TestOtherCode/a_request_that_is_repeated`,
	},
	{
		Name: "realms-mixed", Breaks: "alice of another realm is not alice",
		File:    "auth/kerberos/rules.go",
		Old:     `		return parameters[1], realm == parameters[0]`,
		New:     `		return parameters[1], MUTATED || realm == parameters[0]`,
		Package: "kerberos", Run: withTickets, Says: `TestOtherCode/a_ticket_of_another_realm`,
	},
}
