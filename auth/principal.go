package auth

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

// Anonymous is who comes without a login and without a certificate.
var Anonymous = User("ANONYMOUS")

// String is Type:Name, as ACLs and settings write it.
func (p Principal) String() string { return p.Type + ":" + p.Name }
