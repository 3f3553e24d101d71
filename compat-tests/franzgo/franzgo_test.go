package franzgo

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

const (
	// suiteTimeout is far above the minute that the tests take.
	suiteTimeout = 5 * time.Minute
	// suiteRecords go through each chain of groups; the suite's own default is 500000.
	suiteRecords = "20000"
	// envRecords is another number of records; more of them take more time.
	envRecords  = "FRANZGO_RECORDS"
	longTimeout = 30 * time.Minute
)

// groups names the tests, those of groups first. Others need SASL or many brokers.
var groups = []string{
	"TestGroupETL", "TestGroupSimple", "Test848RegexBrokerResolves", "TestUnknownGroupOffsetFetchPinned",
	"TestIssue523", "TestIssue434", "TestIssue865", "TestConsumeRegex", "TestAddRemovePartitions", "TestPauseIssue489",
}

var outcome = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): (\S+)`)

// transactions is the same chain of groups, each link in transactions; the suite's
// other tests of transactions bring a broker of their own.
var transactions = []string{"TestTxnEtl"}

// shares is share groups: consuming, acknowledging at the end, a chain of groups that
// reject and are killed, and their offsets.
var shares = []string{"TestShareGroup", "TestShareGroupETL", "TestShareGroupAckOnClose", "TestShareGroupOffsetsAdmin"}

// TestGroupSuite: every test passes, none is skipped.
func TestGroupSuite(t *testing.T) { runSuite(t, groups) }

// TestTransactionSuite: every test passes, none is skipped.
func TestTransactionSuite(t *testing.T) { runSuite(t, transactions) }

// TestShareSuite: every test passes, none is skipped.
func TestShareSuite(t *testing.T) { runSuite(t, shares) }

func runSuite(t *testing.T, suite []string) {
	t.Helper()
	testbed.NeedPrograms(t, "go")
	var broker testbed.Target
	if os.Getenv("BARNABAS_COMPAT_TARGET") == "kafka" {
		broker = oracle.Run(t, oracle.Options{})
	} else {
		broker = barnabas.Run(t, barnabas.Options{})
	}
	records, timeout := suiteRecords, suiteTimeout
	if more := os.Getenv(envRecords); more != "" {
		records, timeout = more, longTimeout
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "-timeout", timeout.String(), "-run", "^("+strings.Join(suite, "|")+")$", "github.com/twmb/franz-go/pkg/kgo")
	cmd.Env = append(os.Environ(), "KGO_SEEDS="+broker.Bootstrap(), "KGO_TEST_RF=1", "KGO_TEST_RECORDS="+records, "KGO_LOG_LEVEL=none")
	out, err := cmd.CombinedOutput()
	var passed []string
	for _, match := range outcome.FindAllSubmatch(out, -1) {
		if name := string(match[2]); string(match[1]) == "PASS" {
			passed = append(passed, name)
		} else {
			t.Errorf("%s: %s", match[2], match[1])
		}
	}
	for _, name := range suite {
		if !slices.Contains(passed, name) {
			t.Errorf("%s did not pass", name)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d tests and parts passed", len(passed))
}
