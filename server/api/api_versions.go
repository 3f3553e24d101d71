package api

// ApiVersions (key 18), versions 0 to 5.
//
// Lists what table.go serves, and the features, as far as the listener's persona has
// them. Allowed before everything else.
// An unsupported version is answered in version 0 with UNSUPPORTED_VERSION and
// the range of ApiVersions, so that the client can ask again (KIP-511).
//
//	v0  keys and ranges
//	v1  throttle time
//	v3  flexible; software name and version (letters, digits, inner - and .); features as tags
//	v4  features whose range starts at 0 are listed (KAFKA-17011: older clients throw)
//	v5  the cluster and the node that the client means to reach (KIP-1242)
//
// Left out: a feature whose APIs are not served yet (streams.version) is not
// advertised, although the metadata log holds its level: a client that saw it would
// use what is missing.

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/barnabas-mq/barnabas/protocol"
)

var apiVersions = declare(kmsg.ApiVersions, 0, 5, (*API).apiVersions)

// supportedFeatures are the features of Kafka 4.3 that this broker acts on, by name.
var supportedFeatures = []protocol.SupportedFeature{
	{Name: "eligible.leader.replicas.version", Min: 0, Max: 1},
	{Name: "group.version", Min: 0, Max: 1},
	{Name: "kraft.version", Min: 0, Max: 1},
	{Name: "metadata.version", Min: metadataVersionMin, Max: metadataVersionMax},
	{Name: "share.version", Min: 0, Max: 1},
	{Name: "transaction.version", Min: 0, Max: 2},
}

// The levels of metadata.version: Kafka 3.3-IV3, the oldest that 4.x runs with,
// and 4.3-IV0.
const (
	metadataVersionMin = 7
	metadataVersionMax = 30
)

// isSoftwareName is KIP-511's rule for client software names and versions:
// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
func isSoftwareName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case (c == '-' || c == '.') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return s != ""
}

func (a *API) apiVersions(r *Request) error {
	q, err := decode[*kmsg.ApiVersionsRequest](r)
	if err != nil {
		return err
	}
	in := protocol.ApiVersionsInput{FinalizedEpoch: protocol.None}
	if failure := a.checkApiVersions(r, q); failure != nil {
		in.ErrorCode = failure.Code
		a.appendApiVersions(r, func(b []byte) []byte { return emptyVersions.AppendApiVersions(b, r.Header.Version, in) })
		return nil
	}
	if r.Header.Version >= apiVersionsFeatures {
		r.Peer.software = q.ClientSoftwareName
		image := a.Metadata.Image()
		in.Supported = r.Peer.view.features
		in.Finalized, in.FinalizedEpoch = r.Peer.view.finalized(image), int64(image.EndOffset())-1
	}
	a.appendApiVersions(r, func(b []byte) []byte { return r.Peer.view.versions.AppendApiVersions(b, r.Header.Version, in) })
	return nil
}

const (
	apiVersionsFeatures     = 3 // and the client's software
	apiVersionsClusterCheck = 5
)

// checkApiVersions tells what is wrong with a request, or that the client has come
// to another broker than it meant: it names both the cluster and the node, or
// neither. What is malformed is said first. The order and the codes are those of
// Kafka 4.4.0 (compat-tests/persona asks it).
func (a *API) checkApiVersions(r *Request, q *kmsg.ApiVersionsRequest) *protocol.Error {
	checksCluster := q.Version >= apiVersionsClusterCheck && (q.ClusterID != nil || q.NodeID != protocol.None)
	if checksCluster && (q.ClusterID == nil || q.NodeID == protocol.None) {
		return protocol.ErrInvalidRequest
	}
	named := isSoftwareName(q.ClientSoftwareName) && isSoftwareName(q.ClientSoftwareVersion)
	if q.Version >= apiVersionsFeatures && !named {
		return protocol.ErrInvalidRequest
	}
	if checksCluster && (*q.ClusterID != a.Metadata.Image().ClusterID() || q.NodeID != a.Cluster.Self(r.Call.Conn).NodeID) {
		return protocol.ErrRebootstrapRequired
	}
	return nil
}

// emptyVersions answers a request that is refused: with no keys, as Kafka does.
var emptyVersions = protocol.NewVersionTable(nil)

func (a *API) answerUnsupportedApiVersions(r *Request) {
	a.appendApiVersions(r, r.Peer.view.versions.AppendUnsupportedApiVersions)
}

func (a *API) appendApiVersions(r *Request, body func([]byte) []byte) {
	out := r.Call.Out()
	out.SetBytes(body(beginAnswer(out, r.Header)))
	out.End()
}
