package auth

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// NameRules make a user's name out of the name in a certificate, as
// ssl.principal.mapping.rules says (KIP-371, SslPrincipalMapper): the first rule whose
// pattern matches the whole name decides, and one of them must.
type NameRules []nameRule

// nameRule is DEFAULT, which takes the name as it is, or RULE:pattern/replacement/[LU].
type nameRule struct {
	pattern     *regexp.Regexp // nil for DEFAULT
	replacement string
	change      func(string) string // to lower or upper case; may be nil
}

// rule is what the next rule of a list looks like; a pattern and its replacement may
// hold escaped slashes, and commas.
var rule = regexp.MustCompile(`^\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)/((?:\\.|[^\\/])*)/([LU]?).*?)\s*(?:,|$)`)

// ParseNameRules reads the setting. Nothing is DEFAULT.
func ParseNameRules(text string) (NameRules, error) {
	if strings.TrimSpace(text) == "" {
		text = "DEFAULT"
	}
	var rules NameRules
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := rule.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("%q is no list of rules DEFAULT or RULE:pattern/replacement/[LU]", text)
		}
		rest = rest[len(m[0]):]
		if m[1] != "" {
			rules = append(rules, nameRule{})
			continue
		}
		pattern, err := regexp.Compile("^(?:" + m[2] + ")$")
		if err != nil {
			return nil, fmt.Errorf("the pattern %q: %w", m[2], err)
		}
		replacement, err := JavaReplacement(pattern, m[3])
		if err != nil { // else all certificates would be one user
			return nil, err
		}
		r := nameRule{pattern: pattern, replacement: replacement}
		switch m[4] {
		case "L":
			r.change = strings.ToLower
		case "U":
			r.change = strings.ToUpper
		}
		rules = append(rules, r)
	}
	return rules, nil
}

var javaGroup = regexp.MustCompile(`\\(.)|\$([0-9])([0-9]*)|\$`)

// JavaReplacement is Go's form of what Java replaces a pattern by: $1 is ${1}. It may name
// only groups that there are.
func JavaReplacement(pattern *regexp.Regexp, java string) (string, error) {
	if n := groupsOf(java); n > pattern.NumSubexp() {
		return "", fmt.Errorf("the replacement %q names group %d, and the pattern %q has %d", java, n, pattern, pattern.NumSubexp())
	}
	return goReplacement(java), nil
}

// groupsOf is the highest group that a replacement names.
func groupsOf(java string) (most int) {
	for _, m := range javaGroup.FindAllStringSubmatch(java, -1) {
		if m[2] != "" {
			n, _ := strconv.Atoi(m[2] + m[3]) // digits
			most = max(most, n)
		}
	}
	return most
}

// goReplacement turns Java's $1 into Go's ${1}: $1x is a group of that name there.
func goReplacement(java string) string {
	return javaGroup.ReplaceAllStringFunc(java, func(m string) string {
		switch {
		case strings.HasPrefix(m, `\$`), m == "$":
			return "$$"
		case strings.HasPrefix(m, `\`):
			return m[1:]
		}
		n, _ := strconv.Atoi(m[1:]) // digits
		return "${" + strconv.Itoa(n) + "}"
	})
}

// Apply gives the user's name for a distinguished name.
func (r NameRules) Apply(name string) (string, error) {
	for _, one := range r {
		if one.pattern == nil {
			return name, nil
		}
		if !one.pattern.MatchString(name) {
			continue
		}
		made := one.pattern.ReplaceAllString(name, one.replacement)
		if one.change != nil {
			made = one.change(made)
		}
		if made == "" {
			return "", fmt.Errorf("ssl.principal.mapping.rules makes no name of %q", name)
		}
		return made, nil
	}
	return "", fmt.Errorf("no rule of ssl.principal.mapping.rules fits %q", name)
}
