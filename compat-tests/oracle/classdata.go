package oracle

import (
	"fmt"
	"slices"
	"time"

	"github.com/barnabas-mq/barnabas/compat-tests/classdata"
)

// startedOften are the versions for which an archive of classes pays: it takes as long
// as some twenty starts.
var startedOften = []string{Newest, Old}

// trainingLimit is how long a tool of the training may take: what it loads after that is
// not in the archive.
const trainingLimit = 30 * time.Second

// ClassData are flags with which the JVM of a program starts faster. The program's class
// path is ClassPath(version), other entries behind it.
func ClassData(version string) []string {
	if !slices.Contains(startedOften, version) {
		return nil
	}
	classPath, err := ClassPath(version)
	if err != nil {
		return nil // whoever starts the JVM is told
	}
	return classdata.Flags("kafka-"+version, classPath, func(record func() []string) error { return train(version, record) })
}

// train has a broker and its tools do what most tests want of them.
func train(version string, record func() []string) error {
	broker, err := Start(Options{Version: version, record: record})
	if err != nil {
		return err
	}
	defer broker.Close() //nolint:errcheck // its folder stays otherwise
	run := func(stdin, name string, args ...string) {
		// Tools that fail have loaded classes as well.
		_, _ = Tool{Version: version, Name: name, Args: append(args, "--bootstrap-server", broker.Bootstrap()), Stdin: stdin,
			record: record, limit: trainingLimit}.Run()
	}
	run("", "topics", "--create", "--topic", "t", "--partitions", "2")
	run("", "topics", "--describe")
	run("a\nb\n", "console-producer", "--topic", "t", "--compression-codec", "zstd")
	run("", "console-consumer", "--topic", "t", "--group", "g", "--from-beginning", "--max-messages", "2")
	run("", "consumer-groups", "--describe", "--group", "g")
	run("", "get-offsets", "--topic", "t")
	run("", "configs", "--alter", "--add-config", "retention.ms=1", "--entity-type", "topics", "--entity-name", "t")
	run("", "configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1")
	if err := broker.Stop(); err != nil {
		return fmt.Errorf("%w\n%s", err, broker.LogTail())
	}
	return nil
}
