package kerberos

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/barnabas-mq/barnabas/auth"
)

// ShortNames make a user's name of a principal, as sasl.kerberos.principal.to.local.rules
// says (KerberosShortNamer in Kafka): the first rule that fits decides, and one must.
type ShortNames struct {
	realm string // whose people DEFAULT takes as they are
	rules []shortRule
}

// shortRule is DEFAULT, or RULE:[components:format](match)s/from/to/g/L.
type shortRule struct {
	text       string
	byDefault  bool
	components int
	format     string
	match      *regexp.Regexp // may be nil
	from       *regexp.Regexp // may be nil
	to         string
	everywhere bool                // replace all that from finds, not the first alone
	change     func(string) string // to lower or upper case; may be nil
}

var (
	shortRuleForm = regexp.MustCompile(`^(?:(DEFAULT)|RULE:\[(\d*):([^\]]*)\](?:\(([^)]*)\))?(?:s/([^/]*)/([^/]*)/(g)?)?/?([LU])?)$`)
	parameter     = regexp.MustCompile(`\$(\d*)`)
)

// ParseShortNames reads the rules. Principals of the realm are those that DEFAULT is for.
func ParseShortNames(realm string, rules []string) (ShortNames, error) {
	s := ShortNames{realm: realm}
	for _, text := range rules {
		at := shortRuleForm.FindStringSubmatchIndex(text)
		if at == nil {
			return s, fmt.Errorf("%.128q is no rule: write DEFAULT or RULE:[components:format](match)s/from/to/", text)
		}
		r := shortRule{text: text}
		part := func(n int) (text string, there bool) {
			if there = at[2*n] >= 0; there {
				text = r.text[at[2*n]:at[2*n+1]]
			}
			return text, there
		}
		if _, r.byDefault = part(1); !r.byDefault {
			if err := r.compile(part); err != nil {
				return s, fmt.Errorf("the rule %.128q: %w", text, err)
			}
		}
		s.rules = append(s.rules, r)
	}
	return s, nil
}

// compile reads the parts of a rule, as shortRuleForm numbers them.
func (r *shortRule) compile(part func(n int) (string, bool)) (err error) {
	components, _ := part(2)
	if r.components, err = strconv.Atoi(components); err != nil {
		return fmt.Errorf("%q is no number of components", components)
	}
	r.format, _ = part(3)
	for _, p := range parameter.FindAllStringSubmatch(r.format, -1) {
		if n, err := strconv.Atoi(p[1]); err != nil || n > r.components {
			return fmt.Errorf("the format names %s, and there are $0, the realm, to $%d", p[0], r.components)
		}
	}
	if match, there := part(4); there {
		if r.match, err = regexp.Compile(`\A(?:` + match + `)\z`); err != nil {
			return err
		}
	}
	if from, there := part(5); there {
		if r.from, err = regexp.Compile(from); err != nil {
			return err
		}
		to, _ := part(6)
		if r.to, err = auth.JavaReplacement(r.from, to); err != nil {
			return err
		}
	}
	_, r.everywhere = part(7)
	switch change, _ := part(8); change {
	case "L":
		r.change = strings.ToLower
	case "U":
		r.change = strings.ToUpper
	}
	return nil
}

// Of gives the name of a principal. One with more than two components has none, as in Kafka
// (KerberosName), and neither has one with a component that looks like several.
func (s ShortNames) Of(p Principal) (string, error) {
	const most = 2
	if n := len(p.Components); n == 0 || n > most {
		return "", fmt.Errorf("sasl.kerberos.principal.to.local.rules: %.128q has %d components, and a user has one or two", p, n)
	}
	parameters := append([]string{p.Realm}, p.Components...)
	for _, part := range parameters {
		if strings.ContainsAny(part, "/@\\\x00\n\r") {
			return "", fmt.Errorf("sasl.kerberos.principal.to.local.rules: %.128q has a component that is no name", p)
		}
	}
	for _, r := range s.rules {
		name, fits := r.apply(s.realm, parameters)
		switch {
		case !fits:
			continue
		case name == "" || strings.ContainsAny(name, "/@"):
			return "", fmt.Errorf("sasl.kerberos.principal.to.local.rules: the rule %s makes %.128q of %.128q, which is no short name", r.text, name, p)
		case r.change != nil:
			name = r.change(name)
		}
		return name, nil
	}
	return "", fmt.Errorf("no rule of sasl.kerberos.principal.to.local.rules fits %.128q", p)
}

// apply gives the name that a rule makes of the realm and components, if it fits.
func (r *shortRule) apply(realm string, parameters []string) (name string, fits bool) {
	if r.byDefault {
		return parameters[1], realm == parameters[0]
	}
	if len(parameters)-1 != r.components {
		return "", false
	}
	name = parameter.ReplaceAllStringFunc(r.format, func(p string) string {
		n, _ := strconv.Atoi(p[1:]) // was checked
		return parameters[n]
	})
	switch {
	case r.match != nil && !r.match.MatchString(name):
		return "", false
	case r.from == nil:
		return name, true
	case r.everywhere:
		return r.from.ReplaceAllString(name, r.to), true
	}
	if at := r.from.FindStringSubmatchIndex(name); at != nil {
		return name[:at[0]] + string(r.from.ExpandString(nil, r.to, name, at)) + name[at[1]:], true
	}
	return name, true
}
