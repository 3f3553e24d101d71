package oracle

import (
	"strings"
	"testing"
)

// The judge itself must work: what a tool creates outlives a restart and a
// kill, on the same port, and the usage of the process can be read.
func TestKafkaKeepsItsTopicsOverStopAndKill(t *testing.T) {
	for _, version := range []string{Newest, Old} {
		t.Run(version, func(t *testing.T) {
			broker := Run(t, Options{Version: version})
			tool := func(name string, args ...string) string {
				t.Helper()
				out, err := Tool{Version: version, Name: name, Args: append([]string{"--bootstrap-server", broker.Bootstrap()}, args...)}.Run()
				if err != nil {
					t.Fatal(err)
				}
				return out.Stdout
			}
			tool("topics", "--create", "--topic", "kept", "--partitions", "3")
			for _, end := range []func() error{broker.Stop, broker.Kill} {
				if err := end(); err != nil {
					t.Fatal(err)
				}
				if err := broker.Start(); err != nil {
					t.Fatal(err)
				}
			}
			if got := tool("topics", "--describe", "--topic", "kept"); !strings.Contains(got, "PartitionCount: 3") {
				t.Errorf("topic after restarts: %q", got)
			}
			usage, err := broker.Usage()
			if err != nil || usage.RSS < 50<<20 || usage.CPU() <= 0 {
				t.Errorf("usage %+v, %v", usage, err)
			}
		})
	}
}

// The schemas are what the differ decodes with.
func TestSchemasComeFromTheJar(t *testing.T) {
	Need(t)
	schemas, err := Schemas(Newest)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"FetchRequest", "FetchResponse", "ApiVersionsResponse"} {
		if len(schemas[name]) == 0 {
			t.Errorf("no schema %s", name)
		}
	}
}
