package auth

import "testing"

// From KIP-371's examples and SslPrincipalMapperTest's cases.
func TestNameRules(t *testing.T) {
	const name = "CN=Duke,OU=ServiceUsers,O=Org,C=US"
	for _, c := range []struct{ rules, name, want string }{
		{"", name, name},
		{"DEFAULT", name, name},
		{"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L,DEFAULT", name, "duke"},
		{"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/U", name, "DUKE"},
		{"RULE:^CN=(.*?),OU=(.*?),O=(.*?),C=.*$/$1@$2/ , DEFAULT", name, "Duke@ServiceUsers"},
		{"RULE:^CN=nobody$/x/, RULE:^CN=(\\w+),.*$/user-$1/", name, "user-Duke"},
		{"RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L", name, "duke"},
		{"RULE:^CN=(.*?)\\/(.*?),.*$/$1\\/$2/", "CN=a/b,O=c", "a/b"},
		{"RULE:CN=(.*)/$1_x/", "CN=Duke", "Duke_x"},
		{"RULE:CN=(.*)/$$1/", "CN=Duke", ""},
	} {
		rules, err := ParseNameRules(c.rules)
		if err != nil {
			t.Errorf("%q: %v", c.rules, err)
			continue
		}
		got, err := rules.Apply(c.name)
		if c.want == "" {
			continue // Java calls it illegal; here it is a text
		}
		if err != nil || got != c.want {
			t.Errorf("%q of %q: %q, %v; want %q", c.rules, c.name, got, err, c.want)
		}
	}
	rules, _ := ParseNameRules("RULE:^CN=(.*)$/$1/")
	if got, err := rules.Apply("OU=x"); err == nil {
		t.Errorf("no rule fits, and %q came of it", got)
	}
	for _, text := range []string{"X", "RULE:a", "RULE:a/b", "RULE:(/x/", "DEFAULT DEFAULT", ","} {
		if _, err := ParseNameRules(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
