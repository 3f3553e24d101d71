package kafkatools

import (
	"strings"
	"testing"

	"github.com/barnabas-mq/barnabas/metadata"
)

// Users of a new cluster are read as ScramParser reads them, and refused in its words.
func TestFirstUsers(t *testing.T) {
	for text, want := range map[string]string{
		"SCRAM-SHA-256=[name=alice,password=secret]":                                      "",
		" SCRAM-SHA-512=[name=\"al ice\",password=\"se cret\",iterations=8192,salt=YWI=]": "",
		"SCRAM-SHA-256=[name=bob,salt=YWI=,saltedpassword=YWI=,iterations=4096]":          "",
		"alice":                                              "Failed to find equals sign in SCRAM argument 'alice'",
		"PLAIN=[name=a,password=b]":                          "The add-scram mechanism PLAIN is not supported.",
		"SCRAM-SHA-256=name=a]":                              "Expected configuration string to start with [",
		"SCRAM-SHA-256=[name=a":                              "Expected configuration string to end with ]",
		"SCRAM-SHA-256=[alice]":                              "No equals sign found in a SCRAM component",
		"SCRAM-SHA-256=[password=b]":                         "You must supply 'name' to add-scram",
		"SCRAM-SHA-256=[name=a]":                             "You must supply one of 'password' or 'saltedpassword' to add-scram",
		"SCRAM-SHA-256=[name=a,saltedpassword=YWI=]":         "You must supply 'salt' with 'saltedpassword' to add-scram",
		"SCRAM-SHA-256=[name=a,password=b,iterations=x]":     "Failed to parse iterations count: x",
		"SCRAM-SHA-256=[name=a,password=b,salt=%]":           "Failed to decode given salt: %",
		"SCRAM-SHA-256=[name=a,password=b,color=red]":        "Unknown SCRAM configurations: color",
		"SCRAM-SHA-256=[name=a,password=b,iterations=10]":    "Too few iterations",
		"SCRAM-SHA-256=[name=a,password=b,iterations=99999]": "Too many iterations",
	} {
		r, err := firstUser(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err == nil && r.(*metadata.UserScramCredentialRecord).Iterations == 0 {
			t.Errorf("%s: %+v", text, r)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is told: %v", text, err)
		}
	}
}

// What is formatted is what the metadata begin with.
func TestBootstrapOfARelease(t *testing.T) {
	version, err := release("3.9")
	if err != nil {
		t.Fatal(err)
	}
	content, err := bootstrap(version, []string{"SCRAM-SHA-256=[name=a,password=b]", "SCRAM-SHA-512=[name=a,password=b]"})
	if err != nil {
		t.Fatal(err)
	}
	records, err := metadata.ReadBootstrapCheckpoint("b", content)
	if err != nil || len(records) != 3 {
		t.Fatalf("%v, %v", records, err)
	}
	newest, _ := release("")
	content, err = bootstrap(newest, nil)
	if err != nil {
		t.Fatal(err)
	}
	if records, err = metadata.ReadBootstrapCheckpoint("b", content); err != nil || len(records) != len(metadata.DefaultBootstrap()) {
		t.Errorf("%v, %v", records, err)
	}
}
