package config

import (
	"fmt"
	"strings"
)

// Access is who may do what (KIP-11).
type Access struct {
	// On says that there is an authorizer.
	On bool
	// SuperUsers may do everything, as Type:Name.
	SuperUsers []string
	// AllowIfNone lets everybody do what no rule is about.
	AllowIfNone bool
	// DeniedLinesMax bounds how many lines a second the log has of what was denied.
	DeniedLinesMax int
}

// The settings of Kafka's authorizers are none of the broker's: no table of Kafka has them.
const (
	keyAuthorizer  = "authorizer.class.name"
	keySuperUsers  = "super.users"
	keyAllowIfNone = "allow.everyone.if.no.acl.found"

	standardAuthorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
)

// access gathers what the authorizer needs. Another than Kafka's own is refused elsewhere.
func (r *reader) access() (a Access, wrong []keyed) {
	a.On = strings.TrimSpace(r.text(keyAuthorizer)) == standardAuthorizer
	a.DeniedLinesMax = r.count("barnabas.access.denied.lines.max")
	users := r.static(keySuperUsers)
	for one := range strings.SplitSeq(users, ";") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if kind, name, ok := strings.Cut(one, ":"); a.On && (!ok || kind == "" || name == "") {
			wrong = append(wrong, keyed{keySuperUsers, fmt.Sprintf("%q is no principal: write them as User:NAME;User:NAME", cut(one))})
		}
		a.SuperUsers = append(a.SuperUsers, one)
	}
	allow := r.static(keyAllowIfNone)
	a.AllowIfNone = strings.EqualFold(strings.TrimSpace(allow), "true")
	return a, wrong
}

// static is a setting as whoever starts the broker has it: what clients altered says nothing
// about who may do what (Kafka gives its authorizer the settings of the start alone).
func (r *reader) static(name string) string {
	for _, l := range r.layers {
		if l.source == SourceStaticBroker {
			return l.values[name]
		}
	}
	return ""
}

// unserved tells why an authorizer cannot be had, "" for Kafka's own and for none.
func unserved(authorizer string) string {
	if authorizer == "" || authorizer == standardAuthorizer {
		return ""
	}
	return fmt.Sprintf("the authorizer %s is not built; there is %s, with access rules in the metadata", cut(authorizer), standardAuthorizer)
}

// isOfAuthorizer tells whether a setting is one of the authorizer, and rightly in no table
// where there is one.
func (s *Static) isOfAuthorizer(name string) bool {
	return (name == keySuperUsers || name == keyAllowIfNone) && strings.TrimSpace(s.values[keyAuthorizer]) != ""
}
