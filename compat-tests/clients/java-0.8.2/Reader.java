import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kafka.api.ConsumerMetadataRequest;
import kafka.api.FetchRequestBuilder;
import kafka.common.OffsetAndMetadata;
import kafka.common.OffsetMetadataAndError;
import kafka.common.TopicAndPartition;
import kafka.javaapi.ConsumerMetadataResponse;
import kafka.javaapi.OffsetCommitRequest;
import kafka.javaapi.OffsetFetchRequest;
import kafka.javaapi.TopicMetadataRequest;
import kafka.javaapi.consumer.SimpleConsumer;
import kafka.message.MessageAndOffset;
import kafka.network.BlockingChannel;

/** What an application of 0.8.2 builds around the simple consumer, for the one broker that there is. */
final class Reader implements AutoCloseable {
    private static final String CLIENT_ID = "compat";
    private static final int TIMEOUT_MILLIS = 10_000, BUFFER_BYTES = 64 << 10, FETCH_BYTES = 1 << 20, WAIT_MILLIS = 100;
    /** COORDINATOR_ATTEMPTS, WAIT_MILLIS apart, are ten times what the broker takes to make the topic of the offsets. */
    private static final int COORDINATOR_ATTEMPTS = 300;
    /** BROKER_STORAGE is the version of commits and of their queries that keeps offsets in the broker; 0 is ZooKeeper. */
    private static final short BROKER_STORAGE = 1;
    private static final short UNKNOWN_TOPIC_OR_PARTITION = 3, COORDINATOR_LOADING = 14, NOT_COORDINATOR = 16;

    private final String host;
    private final int port;
    private final SimpleConsumer consumer;

    Reader(String bootstrap) {
        host = bootstrap.substring(0, bootstrap.lastIndexOf(':'));
        port = Integer.parseInt(bootstrap.substring(bootstrap.lastIndexOf(':') + 1));
        consumer = new SimpleConsumer(host, port, TIMEOUT_MILLIS, BUFFER_BYTES, CLIENT_ID);
    }

    /** Waits until the broker says that it coordinates the group. */
    void findCoordinator(String group) throws InterruptedException {
        var channel = new BlockingChannel(host, port, BUFFER_BYTES, BUFFER_BYTES, TIMEOUT_MILLIS);
        channel.connect();
        try {
            short error = 0;
            for (int attempt = 0; attempt < COORDINATOR_ATTEMPTS; attempt++) {
                channel.send(new ConsumerMetadataRequest(group, ConsumerMetadataRequest.CurrentVersion(), attempt, CLIENT_ID));
                var response = kafka.api.ConsumerMetadataResponse.readFrom(channel.receive().buffer());
                error = new ConsumerMetadataResponse(response).errorCode();
                if (error == 0) {
                    return;
                }
                Thread.sleep(WAIT_MILLIS);
            }
            throw new IllegalStateException("no coordinator: error code " + error);
        } finally {
            channel.disconnect();
        }
    }

    int partitions(String topic) {
        var metadata = consumer.send(new TopicMetadataRequest(List.of(topic))).topicsMetadata().get(0);
        check("metadata of " + topic, metadata.errorCode());
        return metadata.partitionsMetadata().size();
    }

    /** The records from the offset on; a compressed set comes whole, with some before it. */
    List<MessageAndOffset> fetch(String topic, int partition, long offset) {
        var response = consumer.fetch(new FetchRequestBuilder().clientId(CLIENT_ID).maxWait(WAIT_MILLIS).minBytes(1)
                .addFetch(topic, partition, offset, FETCH_BYTES).build());
        check("fetch " + topic + "-" + partition + " at " + offset, response.errorCode(topic, partition));
        List<MessageAndOffset> records = new ArrayList<>();
        for (MessageAndOffset record : response.messageSet(topic, partition)) {
            record.message().ensureValid(); // the checksum
            if (record.offset() >= offset) {
                records.add(record);
            }
        }
        return records;
    }

    /**
     * Where the group goes on in each partition: at 0 where it has committed nothing. It waits as long as the broker does not
     * coordinate the group yet, which it may say even after it was found to be the one.
     */
    Map<Integer, Long> committed(String group, String topic, int partitions) throws InterruptedException {
        List<TopicAndPartition> asked = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            asked.add(new TopicAndPartition(topic, partition));
        }
        var request = new OffsetFetchRequest(group, asked, BROKER_STORAGE, 1, CLIENT_ID);
        var answers = consumer.fetchOffsets(request).offsets();
        for (int attempt = 0; attempt < COORDINATOR_ATTEMPTS && answers.values().stream().anyMatch(Reader::notYet); attempt++) {
            Thread.sleep(WAIT_MILLIS);
            answers = consumer.fetchOffsets(request).offsets();
        }
        Map<Integer, Long> next = new HashMap<>();
        answers.forEach((partition, committed) -> {
            if (committed.error() != UNKNOWN_TOPIC_OR_PARTITION) { // nothing committed, says version 0
                check("committed offset of " + partition, committed.error());
            }
            next.put(partition.partition(), Math.max(0, committed.offset()));
        });
        return next;
    }

    private static boolean notYet(OffsetMetadataAndError answer) {
        return answer.error() >= COORDINATOR_LOADING && answer.error() <= NOT_COORDINATOR;
    }

    void commit(String group, String topic, Map<Integer, Long> next) {
        Map<TopicAndPartition, OffsetAndMetadata> offsets = new HashMap<>();
        next.forEach((partition, offset) -> offsets.put(new TopicAndPartition(topic, partition),
                new OffsetAndMetadata(offset, "", System.currentTimeMillis())));
        var response = consumer.commitOffsets(new OffsetCommitRequest(group, offsets, 2, CLIENT_ID, BROKER_STORAGE));
        response.errors().forEach((partition, error) -> check("commit of " + partition, ((Number) error).shortValue()));
    }

    @Override
    public void close() {
        consumer.close();
    }

    static byte[] bytes(ByteBuffer buffer) {
        if (buffer == null) {
            return null;
        }
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static void check(String what, short error) {
        if (error != 0) {
            throw new IllegalStateException(what + ": error code " + error);
        }
    }
}
