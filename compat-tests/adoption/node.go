package adoption

import (
	"os"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// node is one data directory with its server.properties, and the broker that has
// it now.
type node struct {
	*oracle.Node
	t      *testing.T
	broker *testbed.Broker // nil while none runs
}

// newNode prepares a node that the test's end removes.
func newNode(t *testing.T, options oracle.Options) *node {
	t.Helper()
	oracle.Need(t)
	prepared, err := oracle.Prepare(options)
	check(t, err)
	n := &node{Node: prepared, t: t}
	t.Cleanup(func() {
		if n.broker != nil {
			if t.Failed() {
				t.Logf("end of the log:\n%s", n.broker.LogTail())
			}
			check(t, n.broker.Close())
		}
		check(t, os.RemoveAll(n.Dir)) // also of a node that was only formatted
	})
	return n
}

func (n *node) format() *node {
	n.t.Helper()
	check(n.t, n.Format())
	return n
}

// kafka and barnabas give the directory to one of the two; the one before has to
// have stopped.
func (n *node) kafka() string {
	n.t.Helper()
	var err error
	n.broker, err = n.Start()
	check(n.t, err)
	return n.Bootstrap
}

func (n *node) barnabas() string {
	n.t.Helper()
	var err error
	n.broker, err = barnabas.Open(n.File, n.Dir, n.DataDir, n.Bootstrap)
	check(n.t, err)
	return n.Bootstrap
}

func (n *node) stop() {
	n.t.Helper()
	check(n.t, n.broker.Stop())
}
