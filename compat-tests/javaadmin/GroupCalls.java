import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import org.apache.kafka.clients.admin.AbortTransactionOptions;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.AlterShareGroupOffsetsOptions;
import org.apache.kafka.clients.admin.AlterStreamsGroupOffsetsOptions;
import org.apache.kafka.clients.admin.DeleteConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.DeleteConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DeleteShareGroupOffsetsOptions;
import org.apache.kafka.clients.admin.DeleteShareGroupsOptions;
import org.apache.kafka.clients.admin.DeleteStreamsGroupOffsetsOptions;
import org.apache.kafka.clients.admin.DeleteStreamsGroupsOptions;
import org.apache.kafka.clients.admin.DescribeClassicGroupsOptions;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeProducersOptions;
import org.apache.kafka.clients.admin.DescribeShareGroupsOptions;
import org.apache.kafka.clients.admin.DescribeStreamsGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTransactionsOptions;
import org.apache.kafka.clients.admin.FenceProducersOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListConsumerGroupsOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListStreamsGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListStreamsGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.admin.TerminateTransactionOptions;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Groups, producers and transactions. */
final class GroupCalls {
    private static final TopicPartition PLAIN = new TopicPartition("plain", 0);
    private static final TopicPartition UNKNOWN = new TopicPartition("unknown", 0);

    private final Admin admin;
    private final String bootstrap;

    GroupCalls(Admin admin, String bootstrap) {
        this.admin = admin;
        this.bootstrap = bootstrap;
    }

    void run() throws Exception {
        producers();
        offsets();
        try (Consumer<byte[], byte[]> classic = member("classic", "classic"); Consumer<byte[], byte[]> consumer = member("consumer", "consumer")) {
            members(classic, consumer);
        }
        removal();
        other();
    }

    private Consumer<byte[], byte[]> member(String group, String protocol) {
        Properties p = new Properties();
        p.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "group.protocol", protocol, "group.instance.id", group + "-instance",
            "client.id", group + "-client", "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class));
        Consumer<byte[], byte[]> c = new KafkaConsumer<>(p);
        c.subscribe(List.of("plain"));
        return c;
    }

    private KafkaProducer<byte[], byte[]> producer(String transactionalId) {
        Properties p = new Properties();
        p.putAll(Map.of("bootstrap.servers", bootstrap, "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class));
        if (transactionalId != null) {
            p.put("transactional.id", transactionalId);
        }
        return new KafkaProducer<>(p);
    }

    private void producers() throws Exception {
        Calls.tell("listTransactions", () -> admin.listTransactions());
        Calls.tell("describeTransactions unknown", () -> admin.describeTransactions(List.of("nobody")));
        try (KafkaProducer<byte[], byte[]> p = producer("calls")) {
            p.initTransactions();
            p.beginTransaction();
            p.send(new ProducerRecord<>("plain", 0, null, new byte[] {1})).get();
            Calls.tell("listTransactions ongoing", () -> states(admin.listTransactions(new ListTransactionsOptions()).all().get()));
            Calls.tell("describeTransactions", () -> admin.describeTransactions(List.of("calls"), new DescribeTransactionsOptions()).description("calls")
                .get().topicPartitions());
            Calls.tell("describeProducers", () -> admin.describeProducers(List.of(PLAIN)).all().get().get(PLAIN).activeProducers().size());
            p.commitTransaction();
        }
        Calls.tell("describeProducers unknown", () -> admin.describeProducers(List.of(UNKNOWN), new DescribeProducersOptions()).all());
        Calls.tell("describeProducers other broker", () -> admin.describeProducers(List.of(PLAIN), new DescribeProducersOptions().brokerId(7)).all());
        Calls.tell("abortTransaction", () -> admin.abortTransaction(new AbortTransactionSpec(PLAIN, 99, (short) 0, 0)));
        Calls.tell("abortTransaction unknown", () -> admin.abortTransaction(new AbortTransactionSpec(UNKNOWN, 99, (short) 0, 0), new AbortTransactionOptions()));
        Calls.tell("forceTerminateTransaction", () -> admin.forceTerminateTransaction("calls"));
        Calls.tell("forceTerminateTransaction unknown", () -> admin.forceTerminateTransaction("nobody", new TerminateTransactionOptions()));
        Calls.tell("fenceProducers", () -> admin.fenceProducers(List.of("calls")).fencedProducers());
        Calls.tell("fenceProducers options", () -> admin.fenceProducers(List.of("calls", "new"), new FenceProducersOptions().timeoutMs(5000)).fencedProducers());
    }

    private static Object states(java.util.Collection<org.apache.kafka.clients.admin.TransactionListing> all) {
        return all.stream().map(l -> l.transactionalId() + " " + l.state()).toList();
    }

    private static Map<TopicPartition, OffsetAndMetadata> at(TopicPartition p, long offset) {
        return Map.of(p, new OffsetAndMetadata(offset, "m"));
    }

    private void offsets() {
        Calls.tell("alterConsumerGroupOffsets", () -> admin.alterConsumerGroupOffsets("simple", at(PLAIN, 1)));
        Calls.tell("alterConsumerGroupOffsets unknown topic", () -> admin.alterConsumerGroupOffsets("simple", at(UNKNOWN, 1), new AlterConsumerGroupOffsetsOptions()));
        Calls.tell("alterConsumerGroupOffsets no group", () -> admin.alterConsumerGroupOffsets("", at(PLAIN, 1)));
        Calls.tell("listConsumerGroupOffsets", () -> admin.listConsumerGroupOffsets("simple"));
        Calls.tell("listConsumerGroupOffsets stable", () -> admin.listConsumerGroupOffsets("simple", new ListConsumerGroupOffsetsOptions().requireStable(true)));
        Calls.tell("listConsumerGroupOffsets several", () -> admin.listConsumerGroupOffsets(Map.of("simple", new ListConsumerGroupOffsetsSpec(),
            "nobody", new ListConsumerGroupOffsetsSpec())).all());
        Calls.tell("listConsumerGroupOffsets some", () -> admin.listConsumerGroupOffsets(Map.of("simple",
            new ListConsumerGroupOffsetsSpec().topicPartitions(List.of(PLAIN, UNKNOWN))), new ListConsumerGroupOffsetsOptions()).all());
        Calls.tell("deleteConsumerGroupOffsets unknown", () -> admin.deleteConsumerGroupOffsets("nobody", Set.of(PLAIN)));
        Calls.tell("deleteConsumerGroupOffsets", () -> admin.deleteConsumerGroupOffsets("simple", Set.of(PLAIN), new DeleteConsumerGroupOffsetsOptions()));
        Calls.tell("deleteConsumerGroupOffsets unknown topic", () -> admin.deleteConsumerGroupOffsets("simple", Set.of(UNKNOWN)));
        Calls.tell("alterConsumerGroupOffsets again", () -> admin.alterConsumerGroupOffsets("simple", at(PLAIN, 1)));
    }

    private void members(Consumer<byte[], byte[]> classic, Consumer<byte[], byte[]> consumer) throws Exception {
        for (var c : List.of(classic, consumer)) {
            Calls.await("an assignment", () -> {
                c.poll(Duration.ofMillis(50));
                return c.assignment().size() == 4;
            });
        }
        consumer.commitSync(at(PLAIN, 1));
        Calls.tell("listGroups", () -> admin.listGroups());
        Calls.tell("listGroups of consumers", () -> admin.listGroups(ListGroupsOptions.forConsumerGroups()));
        Calls.tell("listGroups empty", () -> admin.listGroups(new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY))));
        Calls.tell("listGroups of type", () -> admin.listGroups(new ListGroupsOptions().withTypes(Set.of(GroupType.CONSUMER))));
        Calls.tell("listGroups of protocol", () -> admin.listGroups(new ListGroupsOptions().withProtocolTypes(Set.of("consumer"))));
        Calls.tell("listConsumerGroups", () -> admin.listConsumerGroups());
        Calls.tell("listConsumerGroups options", () -> admin.listConsumerGroups(new ListConsumerGroupsOptions().withTypes(Set.of(GroupType.CLASSIC))));
        Calls.tell("describeConsumerGroups", () -> drawn(() -> admin.describeConsumerGroups(List.of("classic", "consumer", "simple"))));
        Calls.tell("describeConsumerGroups unknown", () -> admin.describeConsumerGroups(List.of("nobody", "")));
        Calls.tell("describeConsumerGroups options", () -> drawn(() -> admin.describeConsumerGroups(List.of("classic"),
            new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true))));
        Calls.tell("describeClassicGroups", () -> drawn(() -> admin.describeClassicGroups(List.of("classic", "consumer", "simple", "nobody"))));
        Calls.tell("describeClassicGroups options", () -> drawn(() -> admin.describeClassicGroups(List.of("classic"), new DescribeClassicGroupsOptions())));
        Calls.tell("deleteConsumerGroups alive", () -> admin.deleteConsumerGroups(List.of("classic", "consumer")));
        Calls.tell("deleteConsumerGroupOffsets subscribed", () -> admin.deleteConsumerGroupOffsets("consumer", Set.of(PLAIN)));
        Calls.tell("alterConsumerGroupOffsets alive", () -> admin.alterConsumerGroupOffsets("classic", at(PLAIN, 0)));
        Calls.tell("alterConsumerGroupOffsets alive, consumer", () -> admin.alterConsumerGroupOffsets("consumer", at(PLAIN, 0)));
    }

    /** Member ids are drawn. */
    private static Object drawn(Callable<Object> call) throws Exception {
        return Calls.text(call.call()).replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID").replaceAll("consumerId=[A-Za-z0-9_-]{22}\\b", "consumerId=ID");
    }

    private void removal() {
        Calls.tell("removeMembersFromConsumerGroup", () -> admin.removeMembersFromConsumerGroup("classic",
            new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("classic-instance")))));
        Calls.tell("removeMembersFromConsumerGroup unknown member", () -> admin.removeMembersFromConsumerGroup("classic",
            new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("stranger")))));
        Calls.tell("removeMembersFromConsumerGroup all of consumer", () -> admin.removeMembersFromConsumerGroup("consumer", new RemoveMembersFromConsumerGroupOptions()));
        Calls.tell("removeMembersFromConsumerGroup unknown group", () -> admin.removeMembersFromConsumerGroup("nobody", new RemoveMembersFromConsumerGroupOptions()));
        Calls.tell("deleteConsumerGroups", () -> admin.deleteConsumerGroups(List.of("simple", "nobody", "")));
        Calls.tell("deleteConsumerGroups options", () -> admin.deleteConsumerGroups(List.of("classic"), new DeleteConsumerGroupsOptions()));
        Calls.tell("listGroups at last", () -> admin.listGroups());
    }

    /** Share groups and groups of Kafka Streams. */
    private void other() {
        List<String> nobody = List.of("nobody");
        Calls.tell("share listGroups", () -> admin.listGroups(ListGroupsOptions.forShareGroups()));
        Calls.tell("share describeShareGroups", () -> admin.describeShareGroups(nobody));
        Calls.tell("share describeShareGroups options", () -> admin.describeShareGroups(nobody, new DescribeShareGroupsOptions()));
        Calls.tell("share alterShareGroupOffsets", () -> admin.alterShareGroupOffsets("nobody", Map.of(PLAIN, 0L)));
        Calls.tell("share alterShareGroupOffsets options", () -> admin.alterShareGroupOffsets("nobody", Map.of(UNKNOWN, 0L), new AlterShareGroupOffsetsOptions()));
        Calls.tell("share listShareGroupOffsets", () -> admin.listShareGroupOffsets(Map.of("nobody", new ListShareGroupOffsetsSpec())));
        Calls.tell("share listShareGroupOffsets options", () -> admin.listShareGroupOffsets(Map.of("nobody", new ListShareGroupOffsetsSpec()), new ListShareGroupOffsetsOptions()));
        Calls.tell("share deleteShareGroupOffsets", () -> admin.deleteShareGroupOffsets("nobody", Set.of("plain")));
        Calls.tell("share deleteShareGroupOffsets options", () -> admin.deleteShareGroupOffsets("nobody", Set.of("plain"), new DeleteShareGroupOffsetsOptions()));
        Calls.tell("share deleteShareGroups", () -> admin.deleteShareGroups(nobody));
        Calls.tell("share deleteShareGroups options", () -> admin.deleteShareGroups(nobody, new DeleteShareGroupsOptions()));
        Calls.tell("streams listGroups", () -> admin.listGroups(ListGroupsOptions.forStreamsGroups()));
        Calls.tell("streams describeStreamsGroups", () -> admin.describeStreamsGroups(nobody));
        Calls.tell("streams describeStreamsGroups options", () -> admin.describeStreamsGroups(nobody, new DescribeStreamsGroupsOptions()));
        Calls.tell("streams listStreamsGroupOffsets", () -> admin.listStreamsGroupOffsets(Map.of("nobody", new ListStreamsGroupOffsetsSpec())));
        Calls.tell("streams listStreamsGroupOffsets options", () -> admin.listStreamsGroupOffsets(Map.of("nobody", new ListStreamsGroupOffsetsSpec()), new ListStreamsGroupOffsetsOptions()));
        Calls.tell("streams deleteStreamsGroups", () -> admin.deleteStreamsGroups(nobody));
        Calls.tell("streams deleteStreamsGroups options", () -> admin.deleteStreamsGroups(nobody, new DeleteStreamsGroupsOptions()));
        Calls.tell("streams deleteStreamsGroupOffsets", () -> admin.deleteStreamsGroupOffsets("nobody", Set.of(PLAIN)));
        Calls.tell("streams deleteStreamsGroupOffsets options", () -> admin.deleteStreamsGroupOffsets("nobody", Set.of(PLAIN), new DeleteStreamsGroupOffsetsOptions()));
        Calls.tell("streams alterStreamsGroupOffsets", () -> admin.alterStreamsGroupOffsets("streams", at(PLAIN, 1)));
        Calls.tell("streams alterStreamsGroupOffsets options", () -> admin.alterStreamsGroupOffsets("streams", at(PLAIN, 1), new AlterStreamsGroupOffsetsOptions()));
    }
}
