import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java client of the matrix, compiled against every release of kafka-clients that the matrix lists: steps and flags in,
 * JSON lines out. The contract is the same in every language; doc.go in the parent folder describes it.
 */
public final class Client {
    static final ObjectMapper JSON = new ObjectMapper();
    static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true);

    /** Above what a broker takes to start on a machine that is busy. */
    private static final String STREAM_PATIENCE_MS = "600000";

    private final Map<String, String> options = new HashMap<>();

    public static void main(String[] args) throws Exception {
        Client client = new Client();
        for (int i = 1; i + 1 < args.length; i += 2) {
            client.options.put(args[i].substring(2), args[i + 1]);
        }
        try {
            switch (args[0]) {
                case "about" -> client.about();
                case "create" -> client.create();
                case "produce" -> client.produce();
                case "write" -> client.write();
                case "read" -> client.read();
                case "consume" -> client.consume();
                case "member" -> client.member();
                case "worker" -> client.worker();
                case "stream" -> client.stream();
                case "admin" -> Administration.run(client.options.get("bootstrap"));
                case "connect" -> Connections.run();
                case "transact" -> new Transactions(client.options.get("bootstrap")).run();
                default -> throw new IllegalArgumentException("unknown step " + args[0]);
            }
        } catch (Exception e) {
            error(e);
            throw e;
        }
    }

    private void about() throws Exception {
        Properties library = new Properties(); // the class that reads it has moved between releases
        try (InputStream file = Client.class.getResourceAsStream("/kafka/kafka-version.properties")) {
            library.load(file);
        }
        ObjectNode about = event("about").put("version", library.getProperty("version"));
        List.of("none", "gzip", "snappy", "lz4", "zstd").forEach(about.putArray("codecs")::add);
        OUT.println(about);
    }

    private void create() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.get("bootstrap")))) {
            int partitions = Integer.parseInt(options.get("partitions"));
            admin.createTopics(List.of(new NewTopic(topic(), partitions, (short) 1))).all().get();
        }
        OUT.println(event("created"));
    }

    private void produce() throws Exception {
        OUT.println(event("produced").put("count", produce(topic(), options.get("codec"), System.in)));
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
        Properties properties = producerProperties();
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, codec);
        if (options.containsKey("max-bytes")) {
            properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, options.get("max-bytes"));
        }
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
             var in = new BufferedReader(new InputStreamReader(records))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                sent.add(producer.send(record(topic, line)));
            }
            producer.flush();
            for (Future<RecordMetadata> acknowledged : sent) {
                acknowledged.get();
            }
        }
        return sent.size();
    }

    /** Sends each record as it comes, and tells where it is once the broker has it. */
    private void stream() throws IOException {
        int count = 0;
        Properties properties = producerProperties();
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, STREAM_PATIENCE_MS); // without a broker Java 4 blocks in send
        properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, STREAM_PATIENCE_MS);
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
             var in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                int index = count++;
                producer.send(record(topic(), line), (at, e) -> {
                    if (e != null) {
                        error(e);
                    } else {
                        OUT.println(event("acked").put("index", index).put("partition", at.partition()).put("offset", at.offset()));
                    }
                });
            }
        }
        OUT.println(event("produced").put("count", count));
    }

    private Properties producerProperties() {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap"));
        properties.put(ProducerConfig.LINGER_MS_CONFIG, "10");
        return properties;
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, String line) throws IOException {
        JsonNode json = JSON.readTree(line);
        Long timestamp = json.has("timestamp") ? json.get("timestamp").longValue() : null;
        var record = new ProducerRecord<>(topic, null, timestamp, bytes(json.get("key")), bytes(json.get("value")));
        for (JsonNode header : json.get("headers")) {
            record.headers().add(header.get(0).textValue(), bytes(header.get(1)));
        }
        return record;
    }

    /** Reads as many records as asked for, without a group: from the beginning, or from the first that is not older than since. */
    private void read() {
        Properties properties = groupProperties();
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = Arrays.stream(options.get("topics").split(",")).map(topic -> new TopicPartition(topic, 0)).toList();
            consumer.assign(partitions);
            if (options.containsKey("since")) {
                Long since = Long.valueOf(options.get("since"));
                consumer.offsetsForTimes(partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> since)))
                    .forEach((partition, first) -> consumer.seek(partition, first.offset()));
            }
            for (int left = Integer.parseInt(options.get("count")); left > 0; ) {
                var records = consumer.poll(Duration.ofSeconds(1));
                records.forEach(Client::print);
                left -= records.count();
            }
        }
    }

    /** Emits exactly as many records as asked for, commits the offsets after them, and leaves the group. */
    private void consume() {
        int left = Integer.parseInt(options.get("count"));
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        Properties properties = groupProperties();
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(topic()));
            while (left > 0) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
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
        committed(next);
    }

    /** Stays in the group until the end of standard input. */
    private void member() {
        Properties properties = groupProperties();
        int session = Integer.parseInt(options.get("session-ms"));
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, String.valueOf(session));
        properties.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, String.valueOf(session / 10));
        if (options.containsKey("instance")) {
            properties.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, options.get("instance"));
        }
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            wakeUpAtEndOfInput(consumer);
            consumer.subscribe(List.of(topic()), listener(consumer));
            while (true) {
                consumer.poll(Duration.ofSeconds(1)).forEach(Client::print);
            }
        } catch (WakeupException e) {
            OUT.println(event("left"));
        }
    }

    private static ConsumerRebalanceListener listener(KafkaConsumer<?, ?> consumer) {
        return new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> added) {
                assigned(consumer.assignment());
            }

            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> lost) {
                List<TopicPartition> kept = new ArrayList<>(consumer.assignment());
                kept.removeAll(lost);
                assigned(kept);
            }
        };
    }

    /**
     * A member, by either protocol, that commits behind what it has read. A commit that is refused or lost is no failure:
     * whoever owns the partition then reads the records again.
     */
    private void worker() {
        Properties properties = groupProperties();
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        int session = Integer.parseInt(options.getOrDefault("session-ms", "0"));
        if ("consumer".equals(options.get("protocol"))) {
            properties.put("group.protocol", "consumer"); // the broker has the time-outs
        } else if (session > 0) {
            properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, String.valueOf(session));
            properties.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, String.valueOf(session / 10));
        }
        if (options.containsKey("assignor")) {
            properties.put(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, options.get("assignor"));
        }
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            wakeUpAtEndOfInput(consumer);
            consumer.subscribe(List.of(topic()), listener(consumer));
            while (true) {
                work(consumer);
            }
        } catch (WakeupException e) {
            OUT.println(event("left"));
        }
    }

    private static void work(KafkaConsumer<byte[], byte[]> consumer) {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        try {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                print(record);
                next.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
            }
            if (!next.isEmpty()) {
                consumer.commitSync(next);
                committed(next);
            }
        } catch (WakeupException e) {
            throw e;
        } catch (KafkaException e) {
            e.printStackTrace();
        }
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

    private Properties groupProperties() {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, options.get("bootstrap"));
        if (options.containsKey("group")) {
            properties.put(ConsumerConfig.GROUP_ID_CONFIG, options.get("group"));
        }
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return properties;
    }

    private String topic() {
        return options.get("topic");
    }

    static void print(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = event("record").put("topic", record.topic()).put("timestamp", record.timestamp()).put("partition", record.partition()).put("offset", record.offset());
        json.put("key", record.key()).put("value", record.value()); // Jackson writes byte[] as base64
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(header.value());
        }
        OUT.println(json);
    }

    private static void committed(Map<TopicPartition, OffsetAndMetadata> next) {
        ObjectNode committed = event("committed");
        ObjectNode offsets = committed.putObject("offsets");
        next.forEach((partition, offset) -> offsets.put(String.valueOf(partition.partition()), offset.offset()));
        OUT.println(committed);
    }

    private static void assigned(Collection<TopicPartition> partitions) {
        ObjectNode json = event("assigned");
        partitions.stream().mapToInt(TopicPartition::partition).sorted().forEach(json.putArray("partitions")::add);
        OUT.println(json);
    }

    private static void error(Exception e) {
        OUT.println(event("error").put("message", e.toString()));
    }

    static ObjectNode event(String name) {
        return JSON.createObjectNode().put("event", name);
    }

    private static byte[] bytes(JsonNode base64) throws IOException {
        return base64.isNull() ? null : base64.binaryValue();
    }
}
