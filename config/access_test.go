package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccess(t *testing.T) {
	const on = "authorizer.class.name=" + standardAuthorizer + "\n"
	for text, want := range map[string]Access{
		"": {},
		on: {On: true},
		on + "super.users=User:admin; User:CN=a,O=b ;\n": {On: true, SuperUsers: []string{"User:admin", "User:CN=a,O=b"}},
		on + "allow.everyone.if.no.acl.found=TRUE":       {On: true, AllowIfNone: true},
		on + "allow.everyone.if.no.acl.found=yes":        {On: true},
	} {
		s, err := Load(Input{File: &File{"f", []byte(text)}})
		if err != nil || len(s.Warnings) > 0 {
			t.Errorf("%q: %v, warnings %v", text, err, s.Warnings)
			continue
		}
		b, err := s.Broker(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		want.DeniedLinesMax = 10
		if diff := cmp.Diff(want, b.Access); diff != "" {
			t.Errorf("%q (-want +got)\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		on + "super.users=admin":                "f:2: super.users: \"admin\" is no principal",
		on + "super.users=User:a,b":             "",
		"super.users=admin":                     "",
		on + "super.users=User:a\nsuper.user=b": "",
	} {
		_, err := Load(Input{File: &File{"f", []byte(text)}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// What clients alter says nothing about who may do what, not even after a restart.
func TestAccessIsOfTheStart(t *testing.T) {
	s, err := Load(Input{File: &File{"f", []byte("authorizer.class.name=" + standardAuthorizer + "\nsuper.users=User:admin\n")}})
	if err != nil {
		t.Fatal(err)
	}
	altered := map[string]string{"super.users": "User:mallory", "allow.everyone.if.no.acl.found": "true"}
	for _, perBroker := range []bool{false, true} {
		all, own := altered, map[string]string(nil)
		if perBroker {
			all, own = nil, altered
		}
		b, err := s.Broker(all, own)
		if err != nil {
			t.Fatal(err)
		}
		if a := b.Access; a.AllowIfNone || len(a.SuperUsers) != 1 || a.SuperUsers[0] != "User:admin" {
			t.Errorf("altered per broker %v: %+v", perBroker, a)
		}
	}
}
