package exactlyonce

import (
	"os"
	"strconv"
	"testing"

	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/world"
)

const (
	// envRecords is how many records go through the copiers, envRounds how often
	// applications and broker are killed.
	envRecords = "EXACTLYONCE_RECORDS"
	envRounds  = "EXACTLYONCE_ROUNDS"
	// partitions of every topic.
	partitions = 2
)

func newWorld(t *testing.T, topics ...string) *world.World {
	t.Helper()
	oracle.Need(t)
	w := world.New(t)
	w.CreateTopics(partitions, topics...)
	return w
}

// number is an environment variable or its default.
func number(t *testing.T, name string, or int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return or
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
