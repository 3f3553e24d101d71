package auth

import "strings"

// Principal is who a client is, in Kafka's terms.
type Principal struct {
	Type string // User, unless somebody else's code made it
	Name string
	// ByToken says that a delegation token was shown: its owner is the principal, and may
	// not ask for further tokens.
	ByToken bool
}

// UserType is the only type of principal that Kafka itself makes.
const UserType = "User"

// User is the principal of a login.
func User(name string) Principal { return Principal{Type: UserType, Name: name} }

// ParsePrincipal reads what String writes. What has no type is of none.
func ParsePrincipal(text string) Principal {
	kind, name, ok := strings.Cut(text, ":")
	if !ok {
		return Principal{Name: text}
	}
	return Principal{Type: kind, Name: name}
}

// Anonymous is who comes without a login and without a certificate.
var Anonymous = User("ANONYMOUS")

// String is Type:Name, as ACLs and settings write it.
func (p Principal) String() string { return p.Type + ":" + p.Name }
