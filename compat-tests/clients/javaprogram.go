package clients

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/classdata"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
	"github.com/barnabas-mq/barnabas/compat-tests/testbed"
)

// trainingLimit is how long one step of a training may take: what the program loads after
// that is not in the archive.
const trainingLimit = 20 * time.Second

// javaProgram is the command of a client that is on a class path, its jars first.
func javaProgram(client Client, jars, classPath string) Program {
	command := func(flags []string) Program {
		return Program{Client: client, command: slices.Concat(
			// A quick start matters more than throughput here.
			[]string{"java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}, flags,
			[]string{"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", classPath, "Client"})}
	}
	if client.Old {
		return command(nil) // loads little, and starts in a third of a second
	}
	return command(classdata.Flags(client.Name, jars, func(record func() []string) error {
		return trainJava(func() Program { return command(record()) })
	}))
}

// trainJava has the program send and read a few records. The broker is Apache Kafka, which
// nobody breaks on purpose.
func trainJava(next func() Program) error {
	broker, err := oracle.Start(oracle.Options{})
	if err != nil {
		return err
	}
	defer broker.Close() //nolint:errcheck // its folder stays otherwise
	const topic, group, few = "trained", "training", 10
	records, err := encode(makeRecords(0, few, Lacks{}))
	if err != nil {
		return err
	}
	address := []string{"--bootstrap", broker.Bootstrap(), "--topic", topic}
	for _, step := range []struct {
		stdin []byte
		args  []string
	}{
		{nil, append([]string{"create", "--partitions", "1"}, address...)},
		{records, append([]string{"produce", "--codec", "gzip"}, address...)},
		{nil, append([]string{"consume", "--group", group, "--count", strconv.Itoa(few)}, address...)},
	} {
		cmd := next().cmd(step.args...)
		cmd.Stdin = bytes.NewReader(step.stdin)
		process, err := testbed.StartProcess(cmd)
		if err != nil {
			return err
		}
		if !process.Wait(trainingLimit) { // one that fails has loaded classes as well
			killTree(process)
		}
	}
	return nil
}
