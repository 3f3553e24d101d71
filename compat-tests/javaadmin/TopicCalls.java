import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigsOptions;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreatePartitionsOptions;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DeleteRecordsOptions;
import org.apache.kafka.clients.admin.DeleteTopicsOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ListClientMetricsResourcesOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;

/** Topics, their settings and their offsets. */
final class TopicCalls {
    private final Admin admin;

    TopicCalls(Admin admin) {
        this.admin = admin;
    }

    void run() throws Exception {
        create();
        describe();
        partitions();
        configs();
        resources();
        offsets();
        delete();
    }

    private void created(String label, NewTopic... topics) {
        Calls.tell("createTopics " + label, () -> admin.createTopics(List.of(topics)).values());
    }

    private void create() throws Exception {
        created("plain", new NewTopic("plain", 3, (short) 1));
        created("exists", new NewTopic("plain", 1, (short) 1));
        created("defaults", new NewTopic("defaults", Optional.empty(), Optional.empty()));
        created("assigned", new NewTopic("assigned", Map.of(0, List.of(1), 1, List.of(1))));
        created("several", new NewTopic("a.b", 1, (short) 1), new NewTopic("few/er", 1, (short) 1), new NewTopic("replicas", 1, (short) 3));
        created("collision", new NewTopic("a_b", 1, (short) 1));
        created("no name", new NewTopic("", 1, (short) 1));
        created("dot", new NewTopic(".", 1, (short) 1));
        created("long", new NewTopic("n".repeat(250), 1, (short) 1));
        created("no partitions", new NewTopic("x", 0, (short) 1));
        created("negative partitions", new NewTopic("x", -2, (short) 1));
        created("no replicas", new NewTopic("x", 1, (short) 0));
        created("unknown broker", new NewTopic("x", Map.of(0, List.of(7))));
        created("broker twice", new NewTopic("x", Map.of(0, List.of(1, 1))));
        created("no broker", new NewTopic("x", Map.of(0, List.of())));
        created("a hole", new NewTopic("x", Map.of(0, List.of(1), 2, List.of(1))));
        created("metadata", new NewTopic("__cluster_metadata", 1, (short) 1));
        created("too many partitions", new NewTopic("x", 10_001, (short) 1));
        created("unknown config", new NewTopic("x", 1, (short) 1).configs(Map.of("nonsense", "1")));
        created("bad config", new NewTopic("x", 1, (short) 1).configs(Map.of("retention.ms", "soon")));
        Calls.tell("createTopics two names that collide", () -> admin.createTopics(
            List.of(new NewTopic("c.d", 1, (short) 1), new NewTopic("c_d", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).values());
        created("one name twice", new NewTopic("twice", 1, (short) 1), new NewTopic("twice", 2, (short) 1));
        Calls.tell("createTopics only checked", () -> admin.createTopics(List.of(new NewTopic("checked", 4, (short) 1)
            .configs(Map.of("retention.ms", "5"))), new CreateTopicsOptions().validateOnly(true)));
        Calls.tell("createTopics only checked, details", () -> {
            var r = admin.createTopics(List.of(new NewTopic("checked", 4, (short) 1)), new CreateTopicsOptions().validateOnly(true));
            return List.of(r.numPartitions("checked"), r.replicationFactor("checked"), r.config("checked"));
        });
        Calls.tell("createTopics only checked, exists", () -> admin.createTopics(
            List.of(new NewTopic("plain", 4, (short) 1)), new CreateTopicsOptions().validateOnly(true)));
        for (String topic : List.of("plain", "assigned", "defaults", "a.b")) {
            Calls.await(topic, () -> !admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().isEmpty());
        }
    }

    private void describe() {
        Calls.tell("listTopics", () -> admin.listTopics().names());
        Calls.tell("listTopics listings", () -> admin.listTopics(new ListTopicsOptions().listInternal(true)).names());
        Calls.tell("describeTopics", () -> nameless(admin.describeTopics(List.of("plain", "assigned", "defaults")).topicNameValues()));
        Calls.tell("describeTopics unknown", () -> admin.describeTopics(List.of("unknown", "few/er", "")));
        Calls.tell("describeTopics operations", () -> nameless(admin.describeTopics(List.of("plain"),
            new DescribeTopicsOptions().includeAuthorizedOperations(true).partitionSizeLimitPerResponse(1)).topicNameValues()));
        Calls.tell("describeTopics by id", () -> nameless(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id("plain")))).topicIdValues()).values());
        Calls.tell("describeTopics by id, unknown", () -> admin.describeTopics(
            TopicCollection.ofTopicIds(List.of(new Uuid(7, 7))), new DescribeTopicsOptions()));
    }

    /** Topic ids are drawn. */
    private static <K> Map<String, Object> nameless(Map<K, org.apache.kafka.common.KafkaFuture<TopicDescription>> described) throws Exception {
        Map<String, Object> out = new HashMap<>();
        for (var e : described.entrySet()) {
            TopicDescription d = e.getValue().get();
            out.put(d.name(), List.of(d.isInternal(), d.partitions(), d.authorizedOperations(), d.topicId().equals(Uuid.ZERO_UUID)));
        }
        return out;
    }

    private Uuid id(String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
    }

    private void grown(String label, String topic, NewPartitions to) {
        Calls.tell("createPartitions " + label, () -> admin.createPartitions(Map.of(topic, to)));
    }

    private void partitions() throws Exception {
        Calls.tell("createPartitions only checked", () -> admin.createPartitions(
            Map.of("plain", NewPartitions.increaseTo(5)), new CreatePartitionsOptions().validateOnly(true)));
        grown("same", "plain", NewPartitions.increaseTo(3));
        grown("fewer", "plain", NewPartitions.increaseTo(2));
        grown("negative", "plain", NewPartitions.increaseTo(-1));
        grown("unknown", "unknown", NewPartitions.increaseTo(2));
        grown("assigned too few", "plain", NewPartitions.increaseTo(5, List.of(List.of(1))));
        grown("assigned unknown", "plain", NewPartitions.increaseTo(4, List.of(List.of(7))));
        grown("assigned nobody", "plain", NewPartitions.increaseTo(4, List.of(List.of())));
        grown("assigned twice", "plain", NewPartitions.increaseTo(4, List.of(List.of(1, 1))));
        grown("one more", "plain", NewPartitions.increaseTo(4, List.of(List.of(1))));
        Calls.await("the partition", () -> admin.describeTopics(List.of("plain")).allTopicNames().get().get("plain").partitions().size() == 4);
    }

    private static ConfigResource topic(String name) {
        return new ConfigResource(ConfigResource.Type.TOPIC, name);
    }

    private void altered(String label, ConfigResource resource, AlterConfigOp.OpType op, String name, String value) {
        Calls.tell("incrementalAlterConfigs " + label, () -> admin.incrementalAlterConfigs(
            Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), op)))));
    }

    private void configs() throws Exception {
        Calls.tell("describeConfigs topic", () -> admin.describeConfigs(List.of(topic("plain"))));
        Calls.tell("describeConfigs synonyms", () -> admin.describeConfigs(List.of(topic("plain")),
            new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true)));
        Calls.tell("describeConfigs unknown", () -> admin.describeConfigs(List.of(topic("unknown"), topic("few/er"))));
        for (ConfigResource.Type type : List.of(ConfigResource.Type.BROKER, ConfigResource.Type.BROKER_LOGGER)) {
            for (String name : List.of("7", "one", "")) {
                Calls.tell("describeConfigs " + type + " '" + name + "'", () -> admin.describeConfigs(List.of(new ConfigResource(type, name))));
            }
        }
        Calls.tell("describeConfigs broker", () -> names(admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.BROKER, "1"))).all().get()));
        Calls.tell("describeConfigs group", () -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.GROUP, "g"))));
        Calls.tell("describeConfigs client metrics", () -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"))));
        Calls.tell("describeConfigs unknown type", () -> admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.UNKNOWN, "m"))));
        AlterConfigOp.OpType set = AlterConfigOp.OpType.SET;
        altered("set", topic("plain"), set, "retention.ms", "3600000");
        altered("set unknown", topic("plain"), set, "nonsense", "1");
        altered("set bad", topic("plain"), set, "retention.ms", "soon");
        altered("set null", topic("plain"), set, "retention.ms", null);
        altered("append", topic("plain"), AlterConfigOp.OpType.APPEND, "cleanup.policy", "compact");
        altered("append to no list", topic("plain"), AlterConfigOp.OpType.APPEND, "retention.ms", "1");
        altered("subtract", topic("plain"), AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "compact");
        altered("delete", topic("plain"), AlterConfigOp.OpType.DELETE, "retention.ms", "");
        altered("unknown topic", topic("unknown"), set, "retention.ms", "1");
        altered("other broker", new ConfigResource(ConfigResource.Type.BROKER, "7"), set, "log.cleaner.threads", "2");
        altered("broker", new ConfigResource(ConfigResource.Type.BROKER, "1"), set, "log.cleaner.threads", "2");
        altered("broker, fixed", new ConfigResource(ConfigResource.Type.BROKER, "1"), set, "broker.id", "2");
        altered("group", new ConfigResource(ConfigResource.Type.GROUP, "g"), set, "consumer.session.timeout.ms", "50000");
        altered("group, bad", new ConfigResource(ConfigResource.Type.GROUP, "g"), set, "consumer.session.timeout.ms", "1");
        altered("client metrics", new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"), set, "interval.ms", "60000");
        altered("client metrics, bad", new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"), set, "interval.ms", "1");
        altered("logger", new ConfigResource(ConfigResource.Type.BROKER_LOGGER, "1"), set, "no.such.Logger", "DEBUG");
        Calls.tell("incrementalAlterConfigs only checked", () -> admin.incrementalAlterConfigs(
            Map.of(topic("plain"), List.<AlterConfigOp>of(new AlterConfigOp(new ConfigEntry("retention.ms", "99"), set))),
            new AlterConfigsOptions().validateOnly(true)));
        Calls.await("the group's setting", () -> admin.listConfigResources(Set.of(ConfigResource.Type.GROUP), new ListConfigResourcesOptions()).all().get().size() == 1);
        Calls.tell("describeConfigs after changes", () -> admin.describeConfigs(List.of(topic("plain"),
            new ConfigResource(ConfigResource.Type.GROUP, "g"), new ConfigResource(ConfigResource.Type.CLIENT_METRICS, "m"))));
    }

    private static Object names(Map<ConfigResource, Config> configs) {
        // advertised.listeners may be altered here, as in Kafka with ZooKeeper.
        return configs.values().stream().flatMap(c -> c.entries().stream()).filter(e -> !e.name().startsWith("barnabas.") && !e.name().equals("advertised.listeners")).map(e -> e.name() + " " + e.type() + " " + e.isReadOnly() + " " + e.isSensitive()).toList();
    }

    private void resources() {
        Calls.tell("listConfigResources", () -> admin.listConfigResources());
        for (ConfigResource.Type type : ConfigResource.Type.values()) {
            Calls.tell("listConfigResources " + type, () -> admin.listConfigResources(Set.of(type), new ListConfigResourcesOptions()));
        }
        Calls.tell("listClientMetricsResources", () -> admin.listClientMetricsResources());
        Calls.tell("listClientMetricsResources with options", () -> admin.listClientMetricsResources(new ListClientMetricsResourcesOptions()));
    }

    private void listed(String label, TopicPartition p, OffsetSpec spec) {
        Calls.tell("listOffsets " + label, () -> admin.listOffsets(Map.of(p, spec)));
    }

    private void offsets() {
        TopicPartition p = new TopicPartition("plain", 0);
        listed("latest", p, OffsetSpec.latest());
        listed("earliest", p, OffsetSpec.earliest());
        listed("max timestamp", p, OffsetSpec.maxTimestamp());
        listed("timestamp", p, OffsetSpec.forTimestamp(5));
        listed("earliest local", p, OffsetSpec.earliestLocal());
        listed("latest tiered", p, OffsetSpec.latestTiered());
        listed("earliest pending upload", p, OffsetSpec.earliestPendingUpload());
        Calls.tell("listOffsets committed", () -> admin.listOffsets(Map.of(p, OffsetSpec.latest()), new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)));
        Calls.tell("deleteRecords", () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(-1))));
        Calls.tell("deleteRecords beyond", () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(9)), new DeleteRecordsOptions()));
        Calls.tell("deleteRecords negative", () -> admin.deleteRecords(Map.of(p, RecordsToDelete.beforeOffset(-9))));
    }

    private void delete() {
        Calls.tell("deleteTopics", () -> admin.deleteTopics(List.of("assigned", "unknown")));
        Calls.tell("deleteTopics options", () -> admin.deleteTopics((Collection<String>) List.of("few/er", ""), new DeleteTopicsOptions().retryOnQuotaViolation(false)));
        Calls.tell("deleteTopics by name", () -> admin.deleteTopics(TopicCollection.ofTopicNames(List.of("defaults"))));
        Calls.tell("deleteTopics by id", () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id("a.b")))).topicIdValues().values());
        Calls.tell("deleteTopics by id, unknown", () -> admin.deleteTopics(
            TopicCollection.ofTopicIds(List.of(new Uuid(7, 7))), new DeleteTopicsOptions()).topicIdValues());
    }
}
