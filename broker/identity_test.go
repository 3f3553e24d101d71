package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/config"
	"github.com/barnabas-mq/barnabas/internal/vfs"
)

// A new data directory is of the cluster that the environment names, in any
// words; from then on the directory decides.
func TestTheClusterIDOfTheEnvironment(t *testing.T) {
	files := vfs.NewMem()
	for _, c := range []struct{ environment, want string }{
		{"my-local cluster", "my-local cluster"}, {"another", "my-local cluster"}, {"", "my-local cluster"},
	} {
		settings, err := config.Load(config.Input{
			Listen: []string{"127.0.0.1:0"}, Data: dataDir, Profile: "dev", Environ: []string{"CLUSTER_ID=" + c.environment},
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(Options{Settings: settings, FS: files, Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		q := kmsg.NewPtrDescribeClusterRequest()
		q.SetVersion(1)
		if got := dial(t, b).ask(q).(*kmsg.DescribeClusterResponse).ClusterID; got != c.want {
			t.Errorf("with %q: cluster %q, want %q", c.environment, got, c.want)
		}
		mustClose(t, b)
	}
}
