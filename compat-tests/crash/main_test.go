package crash

import (
	"os"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// testsAtOnce: clients wait for a killed Kafka three quarters of the time.
const testsAtOnce = 3

func TestMain(m *testing.M) { os.Exit(testbed.RunAtOnce(m, testsAtOnce)) }
