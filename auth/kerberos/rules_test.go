package kerberos

import "testing"

// Cases of Kafka's KerberosNameTest and KerberosRuleTest, and of its documentation.
func TestShortNames(t *testing.T) {
	for _, c := range []struct {
		rules      []string
		name, want string
	}{
		{[]string{"DEFAULT"}, "alice@EXAMPLE.COM", "alice"},
		{[]string{"DEFAULT"}, "App.service-name/broker@EXAMPLE.COM", "App.service-name"},
		{[]string{"DEFAULT"}, "alice@OTHER.COM", ""},
		{[]string{`RULE:[1:$1@$0](.*@MYDOMAIN.COM)s/@.*//`, "DEFAULT"}, "alice@MYDOMAIN.COM", "alice"},
		{[]string{`RULE:[1:$1@$0](.*@MYDOMAIN.COM)s/@.*//`, "DEFAULT"}, "bob@EXAMPLE.COM", "bob"},
		{[]string{`RULE:[1:$1](App\..*)s/App\.(.*)/$1/g`, `RULE:[2:$1](App\..*)s/App\.(.*)/$1/g`}, "App.service-name@REALM", "service-name"},
		{[]string{`RULE:[1:$1](App\..*)s/App\.(.*)/$1/g`, `RULE:[2:$1](App\..*)s/App\.(.*)/$1/g`}, "App.service-name/broker@REALM", "service-name"},
		{[]string{`RULE:[1:$1@$0](.*@OTHER[.]COM)s/@.*/-other/`, "DEFAULT"}, "alice@OTHER.COM", "alice-other"},
		{[]string{`RULE:[1:$1]/L`}, "User@REALM", "user"},
		{[]string{`RULE:[2:$1]/U`}, "Test/host@REALM", "TEST"},
		{[]string{`RULE:[2:$1@$0](admin@.*)s/.*/root/`}, "admin/x@R", "root"},
		{[]string{`RULE:[2:$1/$2](.*)s/\/.*//`}, "a/b@R", ""}, // a slash ends the pattern, as in Kafka
		{[]string{`RULE:[2:$1;$2](^.*;admin$)s/;admin$//`, "DEFAULT"}, "joe/admin@R", "joe"},
		{[]string{`RULE:[1:$1]s/a/b/`}, "banana@R", "bbnana"},
		{[]string{`RULE:[1:$1]s/a/b/g`}, "banana@R", "bbnbnb"},
		{[]string{`RULE:[1:$1]s/(n)(a)/$2$1/g/U`}, "banana@R", "BAANAN"},
		{[]string{`RULE:[1:$1]s/x/y/`}, "banana@R", "banana"},
		{[]string{`RULE:[1:$1@$0]`}, "banana@R", ""}, // no short name
		{[]string{`RULE:[1:]`}, "banana@R", ""},
		{[]string{`RULE:[1:$1]()s/a/b/`, `RULE:[1:all]`}, "banana@R", "all"},
		{[]string{"DEFAULT"}, "a/b/c@EXAMPLE.COM", ""},
		{nil, "alice@EXAMPLE.COM", ""},
	} {
		s, err := ParseShortNames("EXAMPLE.COM", c.rules)
		if err != nil {
			if c.want != "" {
				t.Errorf("%q: %v", c.rules, err)
			}
			continue
		}
		p, err := ParsePrincipal(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Of(p); got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%q of %s: %q, %v; want %q", c.rules, c.name, got, err, c.want)
		}
	}
}

// A component that looks like several is nobody: the user of a realm could be somebody's of another.
func TestNamesThatLookLikeOthers(t *testing.T) {
	s, err := ParseShortNames("R", []string{"RULE:[1:$1@$0](.*@R.*)s/@.*//", "DEFAULT"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Principal{
		{[]string{"admin@R"}, "EVIL"}, {[]string{"admin/x"}, "R"}, {[]string{"a\nb"}, "R"}, {[]string{`a\@b`}, "R"}, {[]string{"a"}, "R/x"}, {nil, "R"},
	} {
		if name, err := s.Of(p); err == nil {
			t.Errorf("%q is %q", p, name)
		}
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for _, text := range []string{
		"", "default", "DEFAULT ", "DEFAULT/L", "RULE:[1:$1", "RULE:[:$1]", "RULE:[1:$1](a", "RULE:[1:$1]s/a/b", "RULE:[1:$1]/X", "RULE:[1:$2]", "RULE:[1:$]",
		"RULE:[1:$1](()", "RULE:[1:$1]s/(/x/", "RULE:[1:$1]s/a/$1/", "RULE:[99999999999999999999:a]",
	} {
		if _, err := ParseShortNames("R", []string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestParsePrincipal(t *testing.T) {
	for _, text := range []string{"", "kafka", "kafka/host", "@R", "kafka/@R", "/h@R", "a@b@c", `a\/b@R`, "a b@R", "kafka/host@"} {
		if p, err := ParsePrincipal(text); err == nil {
			t.Errorf("%q is %q", text, p)
		}
	}
	if p, err := ParsePrincipal("kafka/h@R"); err != nil || p.String() != "kafka/h@R" || len(p.Components) != 2 {
		t.Errorf("%q, %v", p, err)
	}
}
