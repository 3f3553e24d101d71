package franzgo

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/matrix"
	"github.com/barnabas-mq/barnabas/compat-tests/target"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// suiteTimeout is far above the one or two minutes that the tests take.
	suiteTimeout = 10 * time.Minute
	// suiteRecords go through each chain; the suite's own default is 500000.
	suiteRecords = "20000"
	// envRecords is another number of records; more of them take more time.
	envRecords  = "FRANZGO_RECORDS"
	longTimeout = 30 * time.Minute
	// envRun is a pattern of tests, as for go test -run.
	envRun     = "FRANZGO_RUN"
	wholeSuite = "."
	// deliveries is the most that a record may have to be delivered. The share consumers of TestShareGroupETL
	// release a record several times, and close with records that nobody polled; with the default of 5 that
	// archives one now and then, for which the test waits in vain. With 3 it fails on Kafka 4.3.1 as well.
	deliveries = "10"
	// leastTests is below what the suite has: an empty run is no success.
	leastTests = 140
)

// maySkip are the tests that need what no broker of this suite has.
var maySkip = map[string]string{
	"TestSCRAMAuth":                            "a listener with SASL",
	"TestSCRAMAuthBadCredentials":              "a listener with SASL",
	"TestIssueProduceBrokerTooOldFailsRecords": "a broker that refuses Produce 3",
}

var outcome = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (\S+)`)

// TestSuite: every test passes, and none is skipped but those that are named above.
func TestSuite(t *testing.T) {
	testbed.NeedPrograms(t, "go")
	broker := target.Run(t, map[string]string{"group.share.delivery.count.limit": deliveries})
	records, timeout, run := suiteRecords, suiteTimeout, cmp.Or(os.Getenv(envRun), wholeSuite)
	if run == wholeSuite {
		matrix.Works(t, "franz-go's own tests", moduleVersion(t), "Go", "the whole suite of kgo", target.Column())
	}
	if more := os.Getenv(envRecords); more != "" {
		records, timeout = more, longTimeout
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-timeout", timeout.String(), "-run", run, "github.com/twmb/franz-go/pkg/kgo")
	cmd.Env = append(os.Environ(), "KGO_SEEDS="+broker.Bootstrap(), "KGO_TEST_RF=1", "KGO_TEST_RECORDS="+records, "KGO_LOG_LEVEL=none")
	out, err := cmd.CombinedOutput()
	outcomes := map[string]string{}
	for _, match := range outcome.FindAllSubmatch(out, -1) {
		outcomes[string(match[2])] = string(match[1])
	}
	passed := 0
	for name, outcome := range outcomes {
		switch fault := judge(name, outcome); {
		case fault != "":
			t.Errorf("%s: %s\n  alone: %s='^%s$' go test -count=1 ./franzgo", name, fault, envRun, name)
		case outcome == "PASS":
			passed++
		}
	}
	if run == wholeSuite && passed < leastTests {
		t.Errorf("only %d tests passed", passed)
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d tests passed", passed)
}

// moduleVersion is that of the module whose tests run.
func moduleVersion(t *testing.T) string {
	t.Helper()
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/twmb/franz-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(version))
}

// judge says what is wrong with a test's outcome, if anything.
func judge(name, outcome string) string {
	if _, may := maySkip[name]; outcome != "PASS" && (outcome != "SKIP" || !may) {
		return outcome
	}
	return ""
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name, outcome string
		good          bool
	}{
		{"TestAny", "PASS", true},
		{"TestAny", "SKIP", false},
		{"TestAny", "FAIL", false},
		{"TestSCRAMAuth", "SKIP", true},
		{"TestSCRAMAuth", "FAIL", false},
	} {
		if fault := judge(c.name, c.outcome); (fault == "") != c.good {
			t.Errorf("%+v: %q", c, fault)
		}
	}
}
