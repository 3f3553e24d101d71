package kerberos

import (
	"fmt"
	"strings"
)

// Principal is a name in a realm. The kind of name that a message has beside it says nothing
// about whose it is (RFC 4120, section 6.2).
type Principal struct {
	Components []string
	Realm      string
}

// ParsePrincipal reads name@REALM or name/instance@REALM, as settings have it.
func ParsePrincipal(text string) (Principal, error) {
	name, realm, _ := strings.Cut(text, "@")
	p := Principal{strings.Split(name, "/"), realm}
	if strings.ContainsAny(text, "\\ \t") || realm == "" || strings.ContainsAny(realm, "@/") || !p.named() {
		return Principal{}, fmt.Errorf("%.128q is no principal: write it with its realm, as in kafka/broker.example.com@EXAMPLE.COM", text)
	}
	return p, nil
}

// named says that no component is empty.
func (p Principal) named() bool {
	for _, c := range p.Components {
		if c == "" {
			return false
		}
	}
	return len(p.Components) > 0
}

// String is name/instance@REALM.
func (p Principal) String() string { return strings.Join(p.Components, "/") + "@" + p.Realm }

func (p Principal) equal(q Principal) bool {
	if len(p.Components) != len(q.Components) || p.Realm != q.Realm {
		return false
	}
	for i, c := range p.Components {
		if c != q.Components[i] {
			return false
		}
	}
	return true
}
