package api

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

func apiVersionsRequest() *kmsg.ApiVersionsRequest {
	q := kmsg.NewPtrApiVersionsRequest()
	q.ClientSoftwareName, q.ClientSoftwareVersion = "test", "1"
	return q
}

// A client that says whom it means to reach hears when it has come to another
// broker (KIP-1242); the codes are those of Kafka 4.4.0.
func TestApiVersionsChecksTheCluster(t *testing.T) {
	w := newWorld(t)
	name := func(s string) *string { return &s }
	for _, c := range []struct {
		cluster  *string
		node     int32
		software string
		want     int16
	}{
		{nil, -1, "test", 0},
		{name(worldCluster), worldNode, "test", 0},
		{name(worldCluster), -1, "test", 42},
		{nil, worldNode, "test", 42},
		{nil, -2, "test", 42},
		{name(""), -1, "test", 42},
		{name("other"), -1, "test", 42},
		{name("other"), worldNode, "", 42},
		{name("other"), worldNode, "test", 129},
		{name(""), worldNode, "test", 129},
		{name(worldCluster), worldNode + 1, "test", 129},
		{name(worldCluster), -2, "test", 129},
	} {
		q := apiVersionsRequest()
		q.ClusterID, q.NodeID, q.ClientSoftwareName = c.cluster, c.node, c.software
		p := ask[*kmsg.ApiVersionsResponse](w, 5, q)
		if p.ErrorCode != c.want || (len(p.ApiKeys) > 0) != (c.want == 0) || (p.FinalizedFeaturesEpoch == protocol.None) != (c.want != 0) {
			t.Errorf("%+v: error %d, %d keys, epoch %d", c, p.ErrorCode, len(p.ApiKeys), p.FinalizedFeaturesEpoch)
		}
	}
}

// KIP-511 lets names begin and end with letters and digits.
func TestSoftwareNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "franz-go": true, "v1.2.3": true, "A..b": true, "0": true,
		"": false, "-a": false, "a.": false, "a b": false, "a_b": false, "-": false, "\u00e4": false,
	} {
		if got := isSoftwareName(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}
