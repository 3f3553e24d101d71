import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The Java client of the matrix for releases before 2.8, in what all of them from 0.9 on have in common; Era, of which the
 * folders below have one each, is what came later. The contract is the same in every language; doc.go in the parent folder
 * describes it.
 */
public final class Client {
    static final ObjectMapper JSON = new ObjectMapper();
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true);
    /** How long a poll waits; the releases before 0.10.1 send heartbeats only in it. */
    private static final long POLL_MILLIS = 500;

    private final Map<String, String> options = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Client client = new Client();
        for (int i = 1; i + 1 < args.length; i += 2) {
            client.options.put(args[i].substring(2), args[i + 1]);
        }
        try {
            switch (args[0]) {
                case "about" -> client.about();
                case "create" -> {
                    Era.create(client.options.get("bootstrap"), client.topic(), Integer.parseInt(client.options.get("partitions")));
                    OUT.println(event("created"));
                }
                case "produce" -> OUT.println(event("produced")
                        .put("count", client.produce(client.topic(), client.options.get("codec"), System.in)));
                case "write" -> client.write();
                case "read" -> client.read();
                case "consume" -> client.consume();
                case "member" -> client.member();
                default -> throw new IllegalArgumentException("unknown step " + args[0]);
            }
        } catch (Exception e) {
            error(e);
            throw e;
        }
    }

    private void about() {
        ObjectNode about = event("about").put("version", AppInfoParser.getVersion());
        List.of("none", "gzip", "snappy", "lz4").forEach(about.putArray("codecs")::add);
        OUT.println(about);
    }

    /** Sends the same records to every topic, each with its own codec. */
    private void write() throws Exception {
        byte[] records = System.in.readAllBytes();
        String[] topics = options.get("topics").split(","), codecs = options.get("codecs").split(",");
        int count = 0;
        for (int i = 0; i < topics.length; i++) {
            count += produce(topics[i], codecs[i], new ByteArrayInputStream(records));
        }
        OUT.println(event("produced").put("count", count));
    }

    private int produce(String topic, String codec, InputStream records) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", options.get("bootstrap"));
        properties.put("compression.type", codec);
        properties.put("linger.ms", "10");
        properties.put("acks", "all");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
             var in = new BufferedReader(new InputStreamReader(records))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                JsonNode json = JSON.readTree(line);
                sent.add(producer.send(Era.record(topic, bytes(json.get("key")), bytes(json.get("value")), json)));
            }
            producer.flush();
            for (Future<RecordMetadata> acknowledged : sent) {
                acknowledged.get();
            }
        }
        return sent.size();
    }

    /** Reads as many records as asked for, without a group. */
    private void read() {
        Properties properties = consumerProperties();
        properties.put("group.id", "none"); // the older ones want one
        properties.put("enable.auto.commit", "false");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(Arrays.stream(options.get("topics").split(",")).map(topic -> new TopicPartition(topic, 0)).toList());
            for (int left = Integer.parseInt(options.get("count")); left > 0; ) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL_MILLIS);
                records.forEach(Client::print);
                left -= records.count();
            }
        }
    }

    /** Emits exactly as many records as asked for, commits the offsets after them, and leaves the group. */
    private void consume() {
        int left = Integer.parseInt(options.get("count"));
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        Properties properties = consumerProperties();
        properties.put("group.id", options.get("group"));
        properties.put("enable.auto.commit", "false");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic()));
            while (left > 0) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL_MILLIS)) {
                    if (left == 0) {
                        break; // fetched, but not asked for
                    }
                    print(record);
                    next.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
                    left--;
                }
            }
            consumer.commitSync(next);
        }
        ObjectNode committed = event("committed");
        ObjectNode offsets = committed.putObject("offsets");
        next.forEach((partition, offset) -> offsets.put(String.valueOf(partition.partition()), offset.offset()));
        OUT.println(committed);
    }

    /** Stays in the group until the end of standard input. */
    private void member() {
        int session = Integer.parseInt(options.get("session-ms"));
        Properties properties = consumerProperties();
        properties.put("group.id", options.get("group"));
        properties.put("session.timeout.ms", String.valueOf(session));
        properties.put("heartbeat.interval.ms", String.valueOf(session / 10));
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            wakeUpAtEndOfInput(consumer);
            consumer.subscribe(List.of(topic()), listener());
            while (true) {
                consumer.poll(POLL_MILLIS).forEach(Client::print);
            }
        } catch (WakeupException e) {
            OUT.println(event("left"));
        }
    }

    private static ConsumerRebalanceListener listener() {
        return new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> owned) {
                assigned(owned);
            }

            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> lost) {
                assigned(List.of()); // none of these releases keeps any over a rebalance
            }
        };
    }

    private static void wakeUpAtEndOfInput(KafkaConsumer<?, ?> consumer) {
        Thread watch = new Thread(() -> {
            try {
                System.in.readAllBytes();
            } catch (IOException e) {
                error(e);
            }
            consumer.wakeup();
        });
        watch.setDaemon(true);
        watch.start();
    }

    private Properties consumerProperties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", options.get("bootstrap"));
        properties.put("auto.offset.reset", "earliest");
        return properties;
    }

    private String topic() {
        return options.get("topic");
    }

    private static void print(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = event("record").put("topic", record.topic()).put("partition", record.partition());
        json.put("offset", record.offset()).put("key", record.key()).put("value", record.value()); // byte[] becomes base64
        Era.describe(record, json);
        OUT.println(json);
    }

    private static void assigned(Collection<TopicPartition> partitions) {
        var numbers = new TreeSet<Integer>();
        partitions.forEach(partition -> numbers.add(partition.partition()));
        ObjectNode json = event("assigned");
        numbers.forEach(json.putArray("partitions")::add);
        OUT.println(json);
    }

    private static void error(Exception e) {
        OUT.println(event("error").put("message", e.toString()));
    }

    private static ObjectNode event(String name) {
        return JSON.createObjectNode().put("event", name);
    }

    static byte[] bytes(JsonNode base64) throws IOException {
        return base64.isNull() ? null : base64.binaryValue();
    }
}
