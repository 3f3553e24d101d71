package differ

import (
	"os"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// testsAtOnce: what is asked of settings waits for Kafka's controller most of the time.
const testsAtOnce = 4

func TestMain(m *testing.M) { os.Exit(testbed.RunAtOnce(m, testsAtOnce)) }
