package persona

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/compat-tests/barnabas"
	"github.com/barnabas-mq/barnabas/compat-tests/oracle"
)

// A client may say in ApiVersions which cluster and node it means to reach
// (KIP-1242); Kafka 4.4 is the first to know, and the answers are its.
func TestApiVersionsChecksTheClusterAsKafka44Does(t *testing.T) {
	kafka := oracle.Run(t, oracle.Options{Version: oracle.Next}).Bootstrap()
	ours := barnabas.Run(t, barnabas.Options{}).Bootstrap()
	node, nobody, coordinator, strange := int32(1), int32(-1), int32(1<<31-1-1), int32(-2)
	for _, software := range []string{"test", ""} {
		for _, cluster := range []string{"null", "", "right", "wrong"} {
			for _, id := range []int32{node, nobody, coordinator, strange, node + 1, 0} {
				told := clusterCheck(t, kafka, software, cluster, id)
				if got := clusterCheck(t, ours, software, cluster, id); got != told {
					t.Errorf("software %q, cluster %s, node %d: %s, by Kafka %s", software, cluster, id, got, told)
				} else {
					t.Logf("software %q, cluster %s, node %d: %s", software, cluster, id, told)
				}
			}
		}
	}
}

// clusterCheck asks and tells the answer in words.
func clusterCheck(t *testing.T, address, software, cluster string, node int32) string {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close() //nolint:errcheck // only read from
	q := apiVersionsRequest(5)
	q.ClientSoftwareName, q.NodeID = software, node
	switch cluster {
	case "null":
	case "right":
		metadata := kmsg.NewPtrMetadataRequest()
		metadata.Version = 9
		p, err := conn.Call(metadata)
		if err != nil {
			t.Fatal(err)
		}
		q.ClusterID = p.(*kmsg.MetadataResponse).ClusterID
	default:
		q.ClusterID = &cluster
	}
	resp, err := conn.Call(q)
	if err != nil {
		t.Fatal(err)
	}
	p := resp.(*kmsg.ApiVersionsResponse)
	return fmt.Sprintf("error %d, keys: %v, features: %v, epoch: %v", p.ErrorCode, len(p.ApiKeys) > 0,
		len(p.SupportedFeatures) > 0, p.FinalizedFeaturesEpoch >= 0)
}
