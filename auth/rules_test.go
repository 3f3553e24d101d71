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
	} {
		rules, err := ParseNameRules(c.rules)
		if err != nil {
			t.Errorf("%q: %v", c.rules, err)
			continue
		}
		got, err := rules.Apply(c.name)
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

// A rule that would make one user of all certificates is none.
func TestNameRulesThatMakeNoName(t *testing.T) {
	for _, text := range []string{"RULE:^CN=.*$/$1/", "RULE:^CN=(.*)$/$2/", "RULE:^CN=(.*)$/$12/"} {
		if _, err := ParseNameRules(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	rules, err := ParseNameRules("RULE:^CN=(.*?),.*$/$1/")
	if err != nil {
		t.Fatal(err)
	}
	if name, err := rules.Apply("CN=,O=x"); err == nil {
		t.Errorf("the name is %q", name)
	}
}
