package clients

import (
	"os"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// testsAtOnce: a rebalance of one client takes 20 s, of which it computes 7; most of the
// rest is the session of a killed member.
const testsAtOnce = 4

func TestMain(m *testing.M) { os.Exit(testbed.RunAtOnce(m, testsAtOnce)) }
