import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.AddRaftVoterOptions;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterClientQuotasOptions;
import org.apache.kafka.clients.admin.AlterPartitionReassignmentsOptions;
import org.apache.kafka.clients.admin.AlterReplicaLogDirsOptions;
import org.apache.kafka.clients.admin.AlterUserScramCredentialsOptions;
import org.apache.kafka.clients.admin.CreateAclsOptions;
import org.apache.kafka.clients.admin.CreateDelegationTokenOptions;
import org.apache.kafka.clients.admin.DeleteAclsOptions;
import org.apache.kafka.clients.admin.DescribeAclsOptions;
import org.apache.kafka.clients.admin.DescribeClientQuotasOptions;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeDelegationTokenOptions;
import org.apache.kafka.clients.admin.DescribeFeaturesOptions;
import org.apache.kafka.clients.admin.DescribeLogDirsOptions;
import org.apache.kafka.clients.admin.DescribeMetadataQuorumOptions;
import org.apache.kafka.clients.admin.DescribeReplicaLogDirsOptions;
import org.apache.kafka.clients.admin.DescribeUserScramCredentialsOptions;
import org.apache.kafka.clients.admin.ElectLeadersOptions;
import org.apache.kafka.clients.admin.ExpireDelegationTokenOptions;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.ListPartitionReassignmentsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.RaftVoterEndpoint;
import org.apache.kafka.clients.admin.RemoveRaftVoterOptions;
import org.apache.kafka.clients.admin.RenewDelegationTokenOptions;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UnregisterBrokerOptions;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.admin.UserScramCredentialAlteration;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionReplica;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.utils.Time;

/** Replicas, features, quorum, quotas, users, rules and tokens. */
final class ClusterCalls {
    private final Admin admin;

    ClusterCalls(Admin admin) {
        this.admin = admin;
    }

    void run() throws Exception {
        cluster();
        features();
        replicas();
        logDirs();
        quotas();
        scram();
        security();
        voters();
        telemetry();
    }

    private void cluster() {
        Calls.tell("describeCluster", () -> {
            var r = admin.describeCluster();
            return List.of(r.nodes(), r.controller(), r.authorizedOperations());
        });
        Calls.tell("describeCluster operations", () -> admin.describeCluster(new DescribeClusterOptions()
            .includeAuthorizedOperations(true).includeFencedBrokers(true)).authorizedOperations());
        Calls.tell("unregisterBroker unknown", () -> admin.unregisterBroker(77));
        Calls.tell("unregisterBroker negative", () -> admin.unregisterBroker(-1, new UnregisterBrokerOptions()));
    }

    private void updated(String label, String feature, int level, FeatureUpdate.UpgradeType type) {
        Calls.tell("updateFeatures " + label, () -> admin.updateFeatures(Map.of(feature, new FeatureUpdate((short) level, type))));
    }

    private void features() {
        Calls.tell("describeFeatures", () -> admin.describeFeatures().featureMetadata().get().supportedFeatures());
        Calls.tell("describeFeatures with options", () -> admin.describeFeatures(new DescribeFeaturesOptions()).featureMetadata().get().finalizedFeatures());
        updated("what it is", "transaction.version", 2, FeatureUpdate.UpgradeType.UPGRADE);
        updated("downgrade called upgrade", "transaction.version", 1, FeatureUpdate.UpgradeType.UPGRADE);
        updated("too high", "transaction.version", 9, FeatureUpdate.UpgradeType.UPGRADE);
        updated("unknown", "nonsense.version", 1, FeatureUpdate.UpgradeType.UPGRADE);
        Calls.tell("updateFeatures only checked", () -> admin.updateFeatures(
            Map.of("transaction.version", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)), new UpdateFeaturesOptions().validateOnly(true)));
    }

    private static TopicPartition plain(int partition) {
        return new TopicPartition("plain", partition);
    }

    private void moved(String label, TopicPartition partition, List<Integer> replicas) {
        Calls.tell("alterPartitionReassignments " + label, () -> admin.alterPartitionReassignments(
            Map.of(partition, replicas == null ? Optional.empty() : Optional.of(new NewPartitionReassignment(replicas)))));
    }

    private void replicas() {
        TopicPartition unknown = new TopicPartition("unknown", 0);
        for (ElectionType type : ElectionType.values()) {
            Calls.tell("electLeaders " + type, () -> admin.electLeaders(type, Set.of(plain(0), plain(1), plain(9), unknown)));
            Calls.tell("electLeaders " + type + " all", () -> admin.electLeaders(type, null));
            Calls.tell("electLeaders " + type + " none", () -> admin.electLeaders(type, Set.of(), new ElectLeadersOptions()));
        }
        moved("where it is", plain(0), List.of(1));
        moved("cancelled", plain(0), null);
        moved("unknown broker", plain(0), List.of(7));
        moved("one more", plain(0), List.of(1, 2));
        moved("twice", plain(0), List.of(1, 1));
        moved("negative", plain(0), List.of(-1));
        moved("unknown partition", plain(9), List.of(1));
        moved("unknown topic", unknown, List.of(1));
        moved("unknown topic, cancelled", unknown, null);
        Calls.tell("alterPartitionReassignments same factor", () -> admin.alterPartitionReassignments(
            Map.of(plain(0), Optional.of(new NewPartitionReassignment(List.of(1, 2)))),
            new AlterPartitionReassignmentsOptions().allowReplicationFactorChange(false)));
        Calls.tell("listPartitionReassignments", () -> admin.listPartitionReassignments());
        Calls.tell("listPartitionReassignments some", () -> admin.listPartitionReassignments(Set.of(plain(0), plain(9))));
        Calls.tell("listPartitionReassignments some, options", () -> admin.listPartitionReassignments(Set.of(plain(0)), new ListPartitionReassignmentsOptions()));
        Calls.tell("listPartitionReassignments options", () -> admin.listPartitionReassignments(new ListPartitionReassignmentsOptions()));
        Calls.tell("listPartitionReassignments optional", () -> admin.listPartitionReassignments(Optional.of(Set.of(unknown)), new ListPartitionReassignmentsOptions()));
    }

    private void logDirs() throws Exception {
        String ours = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).keySet().iterator().next();
        Calls.tell("describeLogDirs", () -> admin.describeLogDirs(List.of(1)).descriptions().get(1).get().values().stream()
            .map(d -> d.replicaInfos().entrySet().stream().filter(e -> e.getKey().topic().equals("plain")).toList().size()).toList());
        Calls.tell("describeLogDirs all of it", () -> admin.describeLogDirs(List.of(1)).descriptions().get(1).get().values().stream()
            .map(d -> {
                var only = new HashMap<>(d.replicaInfos());
                only.keySet().removeIf(p -> p.topic().startsWith("__"));
                return List.of(only, d.isCordoned(), d.error() == null, d.totalBytes().isPresent(), d.usableBytes().isPresent());
            }).toList());
        Calls.tell("describeLogDirs other broker", () -> admin.describeLogDirs(List.of(7), new DescribeLogDirsOptions()));
        TopicPartitionReplica here = new TopicPartitionReplica("plain", 0, 1);
        Calls.tell("alterReplicaLogDirs where it is", () -> admin.alterReplicaLogDirs(Map.of(here, ours)));
        Calls.tell("alterReplicaLogDirs elsewhere", () -> admin.alterReplicaLogDirs(Map.of(here, "/no/such/folder")));
        Calls.tell("alterReplicaLogDirs unknown", () -> admin.alterReplicaLogDirs(
            Map.of(new TopicPartitionReplica("unknown", 0, 1), ours, new TopicPartitionReplica("plain", 9, 1), ours), new AlterReplicaLogDirsOptions()));
        Calls.tell("describeReplicaLogDirs", () -> {
            var r = admin.describeReplicaLogDirs(List.of(here)).all().get().get(here);
            return List.of(r.getCurrentReplicaLogDir().equals(ours), r.getCurrentReplicaOffsetLag(), String.valueOf(r.getFutureReplicaLogDir()));
        });
        Calls.tell("describeReplicaLogDirs unknown", () -> {
            TopicPartitionReplica nowhere = new TopicPartitionReplica("unknown", 0, 1);
            return String.valueOf(admin.describeReplicaLogDirs(List.of(nowhere), new DescribeReplicaLogDirsOptions()).all().get().get(nowhere));
        });
    }

    private static ClientQuotaEntity entity(String... parts) {
        Map<String, String> entries = new HashMap<>();
        for (int i = 0; i < parts.length; i += 2) {
            entries.put(parts[i], parts[i + 1]);
        }
        return new ClientQuotaEntity(entries);
    }

    private void limited(String label, ClientQuotaEntity entity, String key, Double value) {
        Calls.tell("alterClientQuotas " + label, () -> admin.alterClientQuotas(
            List.of(new ClientQuotaAlteration(entity, List.of(new ClientQuotaAlteration.Op(key, value))))));
    }

    private void quotas() throws Exception {
        limited("user", entity("user", "alice"), "producer_byte_rate", 1000.0);
        limited("default user", entity("user", null), "request_percentage", 12.5);
        limited("user and client", entity("user", "alice", "client-id", "c"), "consumer_byte_rate", 5.0);
        limited("address", entity("ip", "127.0.0.9"), "connection_creation_rate", 10.0);
        limited("removed what is not", entity("user", "bob"), "producer_byte_rate", null);
        limited("unknown type", entity("group", "g"), "producer_byte_rate", 1.0);
        limited("nothing", entity(), "producer_byte_rate", 1.0);
        limited("empty name", entity("user", ""), "producer_byte_rate", 1.0);
        limited("unknown key", entity("user", "alice"), "nonsense", 1.0);
        limited("key of an address", entity("user", "alice"), "connection_creation_rate", 1.0);
        limited("address and user", entity("user", "alice", "ip", "127.0.0.9"), "connection_creation_rate", 1.0);
        limited("no address", entity("ip", "no address"), "connection_creation_rate", 1.0);
        limited("zero", entity("user", "alice"), "producer_byte_rate", 0.0);
        limited("fraction", entity("user", "alice"), "producer_byte_rate", 0.5);
        limited("too large", entity("ip", null), "connection_creation_rate", 1e10);
        limited("not a number", entity("user", "nan"), "request_percentage", Double.NaN);
        Calls.tell("alterClientQuotas only checked", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(
            entity("user", "carol"), List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 7.0)))), new AlterClientQuotasOptions().validateOnly(true)));
        Calls.await("quotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size() == 5);
        Calls.tell("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()));
        Calls.tell("describeClientQuotas user", () -> admin.describeClientQuotas(
            ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntity("user", "alice")))));
        Calls.tell("describeClientQuotas only user", () -> admin.describeClientQuotas(
            ClientQuotaFilter.containsOnly(List.of(ClientQuotaFilterComponent.ofEntityType("user"))), new DescribeClientQuotasOptions()));
        Calls.tell("describeClientQuotas default", () -> admin.describeClientQuotas(
            ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofDefaultEntity("user")))));
        Calls.tell("describeClientQuotas unknown type", () -> admin.describeClientQuotas(
            ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntityType("group")))));
        Calls.tell("describeClientQuotas address and user", () -> admin.describeClientQuotas(
            ClientQuotaFilter.contains(List.of(ClientQuotaFilterComponent.ofEntityType("ip"), ClientQuotaFilterComponent.ofEntityType("user")))));
    }

    private static UserScramCredentialUpsertion user(String name, ScramMechanism mechanism, int iterations) {
        return new UserScramCredentialUpsertion(name, new ScramCredentialInfo(mechanism, iterations), "secret");
    }

    private void credited(String label, UserScramCredentialAlteration... alterations) {
        Calls.tell("alterUserScramCredentials " + label, () -> admin.alterUserScramCredentials(List.of(alterations)));
    }

    private void scram() throws Exception {
        credited("two", user("alice", ScramMechanism.SCRAM_SHA_256, 4096), user("bob", ScramMechanism.SCRAM_SHA_512, 8192));
        credited("another mechanism", user("alice", ScramMechanism.SCRAM_SHA_512, 4096));
        credited("few", user("carol", ScramMechanism.SCRAM_SHA_256, 4095));
        credited("many", user("carol", ScramMechanism.SCRAM_SHA_256, 16385));
        credited("no name", user("", ScramMechanism.SCRAM_SHA_256, 4096));
        credited("unknown mechanism", user("carol", ScramMechanism.UNKNOWN, 4096));
        credited("twice", user("carol", ScramMechanism.SCRAM_SHA_256, 4096), user("carol", ScramMechanism.SCRAM_SHA_512, 4096));
        credited("deleted, unknown", new UserScramCredentialDeletion("carol", ScramMechanism.SCRAM_SHA_256));
        credited("deleted, unknown mechanism", new UserScramCredentialDeletion("alice", ScramMechanism.UNKNOWN));
        Calls.tell("alterUserScramCredentials with options", () -> admin.alterUserScramCredentials(
            List.of(new UserScramCredentialDeletion("bob", ScramMechanism.SCRAM_SHA_512)), new AlterUserScramCredentialsOptions()));
        Calls.await("users", () -> admin.describeUserScramCredentials().all().get().size() == 1);
        Calls.tell("describeUserScramCredentials", () -> admin.describeUserScramCredentials());
        Calls.tell("describeUserScramCredentials alice", () -> admin.describeUserScramCredentials(List.of("alice")).description("alice"));
        Calls.tell("describeUserScramCredentials unknown", () -> admin.describeUserScramCredentials(List.of("nobody")).description("nobody"));
        Calls.tell("describeUserScramCredentials twice", () -> admin.describeUserScramCredentials(
            List.of("alice", "alice"), new DescribeUserScramCredentialsOptions()).all());
    }

    private void security() {
        AclBinding rule = new AclBinding(new ResourcePattern(ResourceType.TOPIC, "plain", PatternType.LITERAL),
            new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
        Calls.tell("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY));
        Calls.tell("describeAcls one", () -> admin.describeAcls(rule.toFilter(), new DescribeAclsOptions()));
        Calls.tell("createAcls", () -> admin.createAcls(List.of(rule)));
        Calls.tell("createAcls none", () -> admin.createAcls(List.of(), new CreateAclsOptions()));
        Calls.tell("deleteAcls", () -> admin.deleteAcls(List.of(rule.toFilter())));
        Calls.tell("deleteAcls all", () -> admin.deleteAcls(List.of(AclBindingFilter.ANY), new DeleteAclsOptions()));
        KafkaPrincipal alice = new KafkaPrincipal("User", "alice");
        Calls.tell("createDelegationToken", () -> admin.createDelegationToken());
        Calls.tell("createDelegationToken owner", () -> admin.createDelegationToken(new CreateDelegationTokenOptions().owner(alice).renewers(List.of(alice))));
        Calls.tell("renewDelegationToken", () -> admin.renewDelegationToken(new byte[] {1}));
        Calls.tell("renewDelegationToken options", () -> admin.renewDelegationToken(new byte[] {1}, new RenewDelegationTokenOptions().renewTimePeriodMs(5)));
        Calls.tell("expireDelegationToken", () -> admin.expireDelegationToken(new byte[] {1}));
        Calls.tell("expireDelegationToken options", () -> admin.expireDelegationToken(new byte[] {1}, new ExpireDelegationTokenOptions().expiryTimePeriodMs(5)));
        Calls.tell("describeDelegationToken", () -> admin.describeDelegationToken());
        Calls.tell("describeDelegationToken owner", () -> admin.describeDelegationToken(new DescribeDelegationTokenOptions().owners(List.of(alice))));
    }

    private void voters() {
        Calls.tell("describeMetadataQuorum", () -> quorum(admin.describeMetadataQuorum().quorumInfo().get()));
        Calls.tell("describeMetadataQuorum options", () -> quorum(admin.describeMetadataQuorum(new DescribeMetadataQuorumOptions()).quorumInfo().get()));
        Set<RaftVoterEndpoint> endpoints = Set.of(new RaftVoterEndpoint("CONTROLLER", "127.0.0.1", 1));
        Calls.tell("addRaftVoter", () -> admin.addRaftVoter(2, new Uuid(1, 2), endpoints));
        Calls.tell("addRaftVoter options", () -> admin.addRaftVoter(2, new Uuid(1, 2), endpoints, new AddRaftVoterOptions().setClusterId(Optional.of("x"))));
        Calls.tell("removeRaftVoter", () -> admin.removeRaftVoter(1, new Uuid(1, 2)));
        Calls.tell("removeRaftVoter options", () -> admin.removeRaftVoter(2, new Uuid(1, 2), new RemoveRaftVoterOptions().setClusterId(Optional.of("x"))));
    }

    /** Offsets and times go on. */
    private static Object quorum(org.apache.kafka.clients.admin.QuorumInfo q) {
        return List.of(q.leaderId(), q.leaderEpoch() > 0, q.highWatermark() > 0, q.observers(), q.nodes().keySet(), q.voters().stream()
            .map(v -> List.of(v.replicaId(), v.replicaDirectoryId(), v.logEndOffset() > 0, v.lastFetchTimestamp().isPresent(), v.lastCaughtUpTimestamp().isPresent()))
            .toList());
    }

    private void telemetry() {
        Calls.tell("clientInstanceId", () -> admin.clientInstanceId(Duration.ofSeconds(1)));
        Calls.tell("clientInstanceId negative", () -> admin.clientInstanceId(Duration.ofSeconds(-1)));
        KafkaMetric metric = new KafkaMetric(new Object(), new MetricName("m", "g", "", Map.of()), (Measurable) (config, now) -> 1, new MetricConfig(), Time.SYSTEM);
        Calls.tell("registerMetricForSubscription", () -> {
            admin.registerMetricForSubscription(metric);
            return null;
        });
        Calls.tell("unregisterMetricFromSubscription", () -> {
            admin.unregisterMetricFromSubscription(metric);
            return null;
        });
    }
}
