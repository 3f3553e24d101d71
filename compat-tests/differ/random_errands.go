package differ

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// errands are single requests that ask for state, are refused, or change what nothing
// else looks at.
var errands = []struct {
	key kmsg.Key
	do  func(w *world)
}{
	{kmsg.FindCoordinator, (*world).findCoordinator}, {kmsg.SASLHandshake, (*world).saslHandshake}, {kmsg.ApiVersions, (*world).apiVersions},
	{kmsg.OffsetForLeaderEpoch, (*world).endOfEpoch}, {kmsg.WriteTxnMarkers, (*world).writeMarkers},
	{kmsg.DescribeACLs, (*world).describeACLs}, {kmsg.CreateACLs, (*world).createACLs}, {kmsg.DeleteACLs, (*world).deleteACLs},
	{kmsg.DescribeConfigs, (*world).describeConfigs}, {kmsg.AlterReplicaLogDirs, (*world).alterLogDirs}, {kmsg.DescribeLogDirs, (*world).describeLogDirs},
	{kmsg.SASLAuthenticate, (*world).saslAuthenticate}, {kmsg.CreateDelegationToken, (*world).createToken}, {kmsg.RenewDelegationToken, (*world).renewToken},
	{kmsg.ExpireDelegationToken, (*world).expireToken}, {kmsg.DescribeDelegationToken, (*world).describeTokens},
	{kmsg.ElectLeaders, (*world).electLeaders}, {kmsg.AlterPartitionAssignments, (*world).reassign}, {kmsg.ListPartitionReassignments, (*world).listReassignments},
	{kmsg.DescribeClientQuotas, (*world).describeQuotas}, {kmsg.AlterClientQuotas, (*world).alterQuotas},
	{kmsg.DescribeUserSCRAMCredentials, (*world).describeScram}, {kmsg.AlterUserSCRAMCredentials, (*world).alterScram},
	{kmsg.DescribeQuorum, (*world).describeQuorum}, {kmsg.UpdateFeatures, (*world).updateFeatures}, {kmsg.DescribeCluster, (*world).describeCluster},
	{kmsg.UnregisterBroker, (*world).unregister}, {kmsg.DescribeTransactions, (*world).describeTransactions}, {kmsg.ListTransactions, (*world).listTransactions},
	{kmsg.ListConfigResources, (*world).listConfigResources}, {kmsg.DescribeTopicPartitions, (*world).describeTopicPartitions},
	{kmsg.AddRaftVoter, (*world).addVoter}, {kmsg.RemoveRaftVoter, (*world).removeVoter},
}

// errand is one of those that the judge of this session judges.
func (w *world) errand() { pick(w, w.errands)(w) }

// anyTopic is a name, sometimes of no topic.
func (w *world) anyTopic() string {
	return pick(w, []string{w.topics[0].name, w.topics[1].name, w.topics[transactionalTopic].name, w.topics[passingTopic].name, unknownTopic, "a/b"})
}

// somePartitions are one or two, mostly some that exist.
func (w *world) somePartitions() []int32 {
	return pick(w, [][]int32{{0}, {1}, {0, 1}, {1, 9}, {0, 0}, {}})
}

// anyGroup is a group of this world, or none.
func (w *world) anyGroup() string {
	return pick(w, append([]string{w.Group("nobody"), w.Group("txg"), ""}, w.groups...))
}

func (w *world) findCoordinator() {
	kind := int8(w.number(2))
	keys := []string{w.anyGroup()}
	if w.rarely(3) {
		keys = append(keys, w.anyGroup())
	}
	w.ask(fmt.Sprintf("coordinator of %q", keys), findCoordinator(kind, keys...))
}

func (w *world) saslHandshake() {
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Mechanism = pick(w, []string{"PLAIN", "SCRAM-SHA-256", "nonsense", ""})
	w.ask("handshake "+req.Mechanism, req)
}

func (w *world) saslAuthenticate() {
	req := kmsg.NewPtrSASLAuthenticateRequest()
	req.SASLAuthBytes = pick(w, [][]byte{[]byte("\x00alice\x00secret"), {}, {1}})
	w.ask("authenticate", req)
}

func (w *world) apiVersions() {
	names := []string{"a", "a.b-c", "", "-a", "a b", "client"}
	w.ask("versions", apiVersionsOf(pick(w, names), pick(w, names)))
}

func (w *world) endOfEpoch() {
	current, epoch := int32(w.number(3)-1), int32(w.number(4)-1)
	w.ask("end of epoch", endOfEpoch(w.anyTopic(), int32(w.number(3)), current, epoch))
}

// writeMarkers ends transactions of producers that have none: those that have are the
// coordinator's.
func (w *world) writeMarkers() {
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	p := pick(w, w.sequences)
	m.ProducerID, m.ProducerEpoch, m.Committed = p.id+1_000_000, pick(w, []int16{0, 1, 2, -1}), w.rarely(2)
	for range w.number(3) {
		one := kmsg.WriteTxnMarkersRequestMarkerTopic{Topic: w.anyTopic(), Partitions: []int32{int32(w.number(3))}}
		// Apache Kafka 4.3.1 never answers for a partition that is named twice.
		if !slices.ContainsFunc(m.Topics, func(t kmsg.WriteTxnMarkersRequestMarkerTopic) bool { return t.Topic == one.Topic }) {
			m.Topics = append(m.Topics, one)
		}
	}
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	req.Markers = append(req.Markers, m)
	w.ask("markers", req)
}

func (w *world) describeACLs() {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.ACLResourcePatternTypeLiteral
	req.ResourceName = pick(w, []*string{nil, ptr("t")})
	req.Operation, req.PermissionType = pick(w, []kmsg.ACLOperation{kmsg.ACLOperationAny, kmsg.ACLOperationRead}), kmsg.ACLPermissionTypeAny
	w.ask("describe acls", req)
}

func (w *world) createACLs() {
	req := kmsg.NewPtrCreateACLsRequest()
	for range w.number(3) {
		req.Creations = append(req.Creations, aclRule(w.anyTopic(), kmsg.ACLOperationRead))
	}
	w.ask("create acls", req)
}

func (w *world) deleteACLs() {
	req := kmsg.NewPtrDeleteACLsRequest()
	for range w.number(3) {
		req.Filters = append(req.Filters, aclFilter(pick(w, []*string{nil, ptr("a")})))
	}
	w.ask("delete acls", req)
}

func (w *world) describeConfigs() {
	req := describe(topicResource, w.anyTopic(), "retention.ms", "cleanup.policy", "no.such.key")
	if w.rarely(2) {
		req = describe(brokerResource, pick(w, []string{"1", "99", "one"}), pick(w, brokerKeys))
	}
	req.IncludeSynonyms, req.IncludeDocumentation = w.rarely(2), w.rarely(2)
	w.ask("describe configs", req)
}

func (w *world) alterLogDirs() {
	w.ask("alter log dirs", alterLogDirs(pick(w, []string{"/no/such/folder", "folder", ""}), w.anyTopic(), w.somePartitions()...))
}

// describeLogDirs looks at what is stored as it was sent: what brokers pack anew has
// other sizes.
func (w *world) describeLogDirs() {
	name := pick(w, []string{w.topics[transactionalTopic].name, unknownTopic})
	w.ask("log dirs of "+name, describeLogDirs(name, w.somePartitions()...))
}

func (w *world) createToken() {
	req := kmsg.NewPtrCreateDelegationTokenRequest()
	req.MaxLifetimeMillis = pick(w, []int64{-1, 0, 1000})
	w.ask("create token", req)
}

func (w *world) renewToken() {
	req := kmsg.NewPtrRenewDelegationTokenRequest()
	req.HMAC, req.RenewTimeMillis = pick(w, [][]byte{[]byte("h"), {}}), 1000
	w.ask("renew token", req)
}

func (w *world) expireToken() {
	req := kmsg.NewPtrExpireDelegationTokenRequest()
	req.HMAC, req.ExpiryPeriodMillis = pick(w, [][]byte{[]byte("h"), {}}), pick(w, []int64{-1, 1000})
	w.ask("expire token", req)
}

func (w *world) describeTokens() {
	req := kmsg.NewPtrDescribeDelegationTokenRequest()
	req.Owners = pick(w, [][]kmsg.DescribeDelegationTokenRequestOwner{nil, {}})
	w.ask("describe tokens", req)
}

func (w *world) electLeaders() {
	w.ask("elect leaders", electLeaders(pick(w, []int8{0, 0, 1, 7}), w.anyTopic(), w.somePartitions()...))
}

func (w *world) reassign() {
	to := pick(w, [][]int32{{1}, {77}, {1, 2}, {}, {-1}, nil})
	one := moveTo(int32(w.number(3)), to...)
	if to == nil {
		one.Replicas = nil
	}
	w.ask("reassign", reassign(w.anyTopic(), one))
}

func (w *world) listReassignments() {
	w.ask("reassignments", listReassignments(w.anyTopic(), w.somePartitions()...))
}

func (w *world) describeCluster() {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations, req.IncludeFencedBrokers = w.rarely(2), w.rarely(2)
	req.EndpointType = pick(w, []int8{1, 1, 2, 9})
	w.ask("cluster", req)
}

func (w *world) describeQuorum() {
	w.ask("quorum", describeQuorum(pick(w, []string{"__cluster_metadata", unknownTopic}), w.somePartitions()...))
}

func (w *world) unregister() { w.ask("unregister", unregisterBroker(pick(w, []int32{77, 99, -1}))) }

// updateFeatures asks for what is refused, or is so already.
func (w *world) updateFeatures() {
	w.ask("update features", featuresRequest(pick(w, []featureUpdate{
		{"transaction.version", 2, 1}, {"coffee.version", 1, 1}, {"", 1, 1}, {"transaction.version", 99, 1}, {"transaction.version", -1, 1},
		{"group.version", 0, 1}, {"transaction.version", 99, 2}, {"transaction.version", 2, 2},
	})))
}

func (w *world) listConfigResources() {
	req := kmsg.NewPtrListConfigResourcesRequest()
	req.ResourceTypes = pick(w, [][]int8{nil, {2}, {4}, {8}, {16, 32}, {77}, {2, 77}})
	if w.versionOf(int16(kmsg.ListConfigResources)) == 0 {
		req.ResourceTypes = nil
	}
	w.ask("config resources", req)
}

func (w *world) describeTopicPartitions() {
	req := describeTopicPartitions(pick(w, []int32{2000, 2, 1, 0, -1}), w.anyTopic(), w.anyTopic())
	if w.rarely(3) {
		req = fromCursor(req, w.anyTopic(), int32(w.number(4)-1))
	}
	w.ask("partitions", req)
}

func (w *world) addVoter() {
	req := kmsg.NewPtrAddRaftVoterRequest()
	req.VoterID, req.VoterDirectoryID, req.TimeoutMillis = pick(w, []int32{2, -1}), pick(w, [][16]byte{unknownID, {}}), 5000
	req.ClusterID = pick(w, []*string{nil, ptr("other")})
	l := kmsg.NewAddRaftVoterRequestListener()
	l.Name, l.Host, l.Port = "CONTROLLER", "127.0.0.1", 1
	req.Listeners = append(req.Listeners, l)
	w.ask("add a voter", req)
}

func (w *world) removeVoter() {
	req := kmsg.NewPtrRemoveRaftVoterRequest()
	req.VoterID, req.VoterDirectoryID = pick(w, []int32{1, 2, -1}), pick(w, [][16]byte{unknownID, {}})
	req.ClusterID = pick(w, []*string{nil, ptr("other")})
	w.ask("remove a voter", req)
}
