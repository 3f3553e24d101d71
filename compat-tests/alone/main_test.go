package main

import (
	"strings"
	"testing"
)

const written = `ok  	github.com/barnabas-mq/barnabas/compat-tests/badinput	1.2s
--- FAIL: TestClients (0.00s)
    --- FAIL: TestClients/java-4.3 (14.79s)
        --- FAIL: TestClients/java-4.3/static (1.04s)
            skills_test.go:134: seen
                --- FAIL: TestQuoted (0.00s)
                    --- FAIL: TestQuoted/part (0.00s)
        --- FAIL: TestClients/java-4.3/admin (1.04s)
--- FAIL: TestOther (0.00s)
FAIL
FAIL	github.com/barnabas-mq/barnabas/compat-tests/clients	14.800s
FAIL	github.com/barnabas-mq/barnabas/compat-tests/wire [build failed]
FAIL
`

func TestEveryFailureHasItsCommand(t *testing.T) {
	var out strings.Builder
	if err := pass(strings.NewReader(written), &out, "BARNABAS_COMPAT_TARGET='kafka' "); err != nil {
		t.Fatal(err)
	}
	want := written + `
Each failure alone, in compat-tests:
  BARNABAS_COMPAT_TARGET='kafka' go test -count=1 ./clients -run '^TestClients$/^java-4\.3$/^static$'
  BARNABAS_COMPAT_TARGET='kafka' go test -count=1 ./clients -run '^TestClients$/^java-4\.3$/^admin$'
  BARNABAS_COMPAT_TARGET='kafka' go test -count=1 ./clients -run '^TestOther$'
  BARNABAS_COMPAT_TARGET='kafka' go test -count=1 ./wire
`
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}

func TestSuccessAddsNothing(t *testing.T) {
	const written = "ok  	github.com/barnabas-mq/barnabas/compat-tests/badinput	1.2s\n"
	var out strings.Builder
	if err := pass(strings.NewReader(written), &out, ""); err != nil || out.String() != written {
		t.Errorf("%q, %v", out.String(), err)
	}
}
