package metadata

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func tellScram(img *Image) string {
	var lines []string
	for user, credentials := range img.ScramUsers() {
		for _, c := range credentials {
			lines = append(lines, fmt.Sprintf("%s %d %d", user, c.Mechanism, c.Iterations))
		}
	}
	return strings.Join(lines, "; ")
}

// A user has one credential per mechanism, and exists as long as there is one.
func TestScramRecords(t *testing.T) {
	set := func(user string, mechanism int8, iterations int32) Record {
		return &UserScramCredentialRecord{Name: user, Mechanism: mechanism, Iterations: iterations}
	}
	for name, c := range map[string]struct {
		records []Record
		want    string
	}{
		"per mechanism":   {[]Record{set("a", 2, 5), set("a", 1, 4), set("b", 1, 3)}, "a 1 4; a 2 5; b 1 3"},
		"replaced":        {[]Record{set("a", 1, 4), set("a", 1, 9)}, "a 1 9"},
		"one removed":     {[]Record{set("a", 1, 4), set("a", 2, 5), &RemoveUserScramCredentialRecord{"a", 2}}, "a 1 4"},
		"all removed":     {[]Record{set("a", 1, 4), &RemoveUserScramCredentialRecord{"a", 1}}, ""},
		"unknown removed": {[]Record{set("a", 1, 4), &RemoveUserScramCredentialRecord{"a", 2}, &RemoveUserScramCredentialRecord{"b", 1}}, "a 1 4"},
	} {
		img := imageOf(t, c.records...)
		if got := tellScram(img); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		same(t, throughSnapshot(t, img), img)
	}
}

// The keys are those of RFC 7677's example: user "user", password "pencil".
func TestScramKeys(t *testing.T) {
	decode := func(text string) []byte {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	records, results := NewScramAlteration(nil, []ScramUpsertion{{
		User: "user", Mechanism: ScramSHA256, Iterations: 4096, Salt: decode("W22ZaJ0SNY7soEsUEjb6gQ=="),
		SaltedPassword: decode("xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0="),
	}}).Records(new(Image))
	if len(records) != 1 || results[0].Err != nil {
		t.Fatalf("%v %v", records, results)
	}
	r := records[0].(*UserScramCredentialRecord)
	if got := base64.StdEncoding.EncodeToString(r.StoredKey); got != "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=" {
		t.Errorf("stored key %s", got)
	}
	if got := base64.StdEncoding.EncodeToString(r.ServerKey); got != "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=" {
		t.Errorf("server key %s", got)
	}
}

// What Kafka's ScramControlManager refuses is refused; a user is judged once.
func TestScramAlteration(t *testing.T) {
	img := imageOf(t, &UserScramCredentialRecord{Name: "a", Mechanism: 1, Iterations: 4096})
	good := func(user string, m ScramMechanism) ScramUpsertion {
		return ScramUpsertion{User: user, Mechanism: m, Iterations: 4096, Salt: []byte("s"), SaltedPassword: []byte("p")}
	}
	with := func(edit func(u *ScramUpsertion)) []ScramUpsertion {
		u := good("n", ScramSHA512)
		edit(&u)
		return []ScramUpsertion{u}
	}
	for name, c := range map[string]struct {
		deletions  []ScramDeletion
		upsertions []ScramUpsertion
		records    int
		want       error
	}{
		"new":                {nil, []ScramUpsertion{good("n", ScramSHA512)}, 1, nil},
		"deleted":            {[]ScramDeletion{{"a", ScramSHA256}}, nil, 1, nil},
		"deleted, not there": {[]ScramDeletion{{"a", ScramSHA512}}, nil, 0, ErrNotFound},
		"deleted, no name":   {[]ScramDeletion{{"", ScramSHA256}}, nil, 0, ErrUnacceptableCredential},
		"deleted, mechanism": {[]ScramDeletion{{"a", 9}}, nil, 0, ErrUnknownMechanism},
		"no name":            {nil, with(func(u *ScramUpsertion) { u.User = "" }), 0, ErrUnacceptableCredential},
		"mechanism":          {nil, with(func(u *ScramUpsertion) { u.Mechanism = 3 }), 0, ErrUnknownMechanism},
		"few iterations":     {nil, with(func(u *ScramUpsertion) { u.Iterations = 4095 }), 0, ErrUnacceptableCredential},
		"most iterations":    {nil, with(func(u *ScramUpsertion) { u.Iterations = 16384 }), 1, nil},
		"many iterations":    {nil, with(func(u *ScramUpsertion) { u.Iterations = 16385 }), 0, ErrUnacceptableCredential},
		"no password":        {nil, with(func(u *ScramUpsertion) { u.SaltedPassword = nil }), 0, ErrNoPassword},
		"longest password":   {nil, with(func(u *ScramUpsertion) { u.SaltedPassword = make([]byte, 1024) }), 1, nil},
		"long password":      {nil, with(func(u *ScramUpsertion) { u.SaltedPassword = make([]byte, 1025) }), 0, ErrUnacceptableCredential},
		"longest salt":       {nil, with(func(u *ScramUpsertion) { u.Salt = make([]byte, 1024) }), 1, nil},
		"long salt":          {nil, with(func(u *ScramUpsertion) { u.Salt = make([]byte, 1025) }), 0, ErrUnacceptableCredential},
		"twice":              {nil, []ScramUpsertion{good("n", ScramSHA256), good("n", ScramSHA512)}, 0, ErrDuplicate},
		"thrice":             {nil, []ScramUpsertion{good("n", ScramSHA256), good("n", ScramSHA512), good("n", ScramSHA512)}, 0, ErrDuplicate},
		"deleted and set":    {[]ScramDeletion{{"a", ScramSHA256}}, []ScramUpsertion{good("a", ScramSHA512)}, 0, ErrDuplicate},
		"the first reason":   {[]ScramDeletion{{"b", ScramSHA256}}, []ScramUpsertion{good("b", ScramSHA512)}, 0, ErrNotFound},
	} {
		records, results := NewScramAlteration(c.deletions, c.upsertions).Records(img)
		if len(records) != c.records || len(results) != 1 || !errors.Is(results[0].Err, c.want) {
			t.Errorf("%s: %d records, %v; want %d, %v", name, len(records), results, c.records, c.want)
		}
	}
	records, results := NewScramAlteration(nil, []ScramUpsertion{good("n", ScramSHA256), good("", ScramSHA256), good("m", ScramSHA512)}).Records(img)
	if len(records) != 2 || len(results) != 3 || results[0].Err != nil || results[1].Err == nil || results[2].Err != nil {
		t.Errorf("of three users: %v %v", records, results)
	}
}
