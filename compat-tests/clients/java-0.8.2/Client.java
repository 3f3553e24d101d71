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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import kafka.javaapi.consumer.SimpleConsumer;
import kafka.message.Message;
import kafka.producer.KeyedMessage;
import kafka.producer.ProducerConfig;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.log4j.BasicConfigurator;
import org.apache.log4j.Level;
import org.apache.log4j.Logger;

/**
 * The Java client of the matrix for 0.8.2: the producer of kafka-clients, or with the setting producer=scala its predecessor,
 * and the simple consumer (Reader). There are no groups without ZooKeeper yet, but offsets can be committed to the broker. The
 * contract is the same in every language; doc.go in the parent folder describes it.
 */
public final class Client {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), true);

    private final Map<String, String> options = new HashMap<>();

    public static void main(String[] args) throws Exception {
        BasicConfigurator.configure();
        Logger.getRootLogger().setLevel(Level.OFF); // it would write to standard output
        Client client = new Client();
        for (int i = 1; i + 1 < args.length; i += 2) {
            client.options.put(args[i].substring(2), args[i + 1]);
        }
        try {
            switch (args[0]) {
                case "about" -> about();
                case "produce" -> client.produced(client.produce(client.topic(), client.options.get("codec"), System.in));
                case "write" -> client.write();
                case "read" -> client.read();
                case "consume" -> client.consume();
                default -> throw new IllegalArgumentException("unknown step " + args[0]);
            }
        } catch (Exception e) {
            OUT.println(event("error").put("message", e.toString()));
            throw e;
        }
    }

    /** The jar's name has the version; nothing inside has. */
    private static void about() {
        String jar = SimpleConsumer.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        ObjectNode about = event("about").put("version", jar.substring(jar.lastIndexOf('-') + 1, jar.lastIndexOf('.')));
        List.of("none", "gzip", "snappy", "lz4").forEach(about.putArray("codecs")::add);
        OUT.println(about);
    }

    private void produced(int count) {
        OUT.println(event("produced").put("count", count));
    }

    /** Sends the same records to every topic, each with its own codec. */
    private void write() throws Exception {
        byte[] records = System.in.readAllBytes();
        String[] topics = options.get("topics").split(","), codecs = options.get("codecs").split(",");
        int count = 0;
        for (int i = 0; i < topics.length; i++) {
            count += produce(topics[i], codecs[i], new ByteArrayInputStream(records));
        }
        produced(count);
    }

    private int produce(String topic, String codec, InputStream records) throws Exception {
        List<byte[][]> pairs = new ArrayList<>();
        try (var in = new BufferedReader(new InputStreamReader(records))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                JsonNode json = JSON.readTree(line);
                pairs.add(new byte[][] {bytes(json.get("key")), bytes(json.get("value"))});
            }
        }
        if ("producer=scala".equals(System.getenv("CLIENT_SETTINGS"))) {
            produceByScala(topic, codec, pairs);
        } else {
            produceByClients(topic, codec, pairs);
        }
        return pairs.size();
    }

    private void produceByClients(String topic, String codec, List<byte[][]> pairs) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", options.get("bootstrap"));
        properties.put("compression.type", codec);
        properties.put("linger.ms", "10");
        properties.put("acks", "all");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (byte[][] pair : pairs) {
                sent.add(producer.send(new ProducerRecord<>(topic, pair[0], pair[1])));
            }
            for (Future<RecordMetadata> acknowledged : sent) {
                acknowledged.get();
            }
        }
    }

    private void produceByScala(String topic, String codec, List<byte[][]> pairs) {
        Properties properties = new Properties();
        properties.put("metadata.broker.list", options.get("bootstrap"));
        properties.put("compression.codec", codec);
        properties.put("request.required.acks", "-1");
        properties.put("serializer.class", "kafka.serializer.DefaultEncoder"); // bytes as they are
        var producer = new kafka.javaapi.producer.Producer<byte[], byte[]>(new ProducerConfig(properties));
        try {
            producer.send(pairs.stream().map(pair -> new KeyedMessage<>(topic, pair[0], pair[1])).toList());
        } finally {
            producer.close();
        }
    }

    /** Reads topic after topic. */
    private void read() {
        String[] topics = options.get("topics").split(",");
        try (var reader = new Reader(options.get("bootstrap"))) {
            for (String topic : topics) {
                int left = Integer.parseInt(options.get("count")) / topics.length;
                for (long next = 0; left > 0; ) {
                    for (var record : reader.fetch(topic, 0, next)) {
                        print(topic, 0, record.offset(), record.message());
                        next = record.nextOffset();
                        left--;
                    }
                }
            }
        }
    }

    /** Emits exactly as many records as asked for, from where the group has committed, and commits the offsets after them. */
    private void consume() throws Exception {
        int left = Integer.parseInt(options.get("count"));
        try (var reader = new Reader(options.get("bootstrap"))) {
            reader.findCoordinator(options.get("group"));
            int partitions = reader.partitions(topic());
            Map<Integer, Long> next = reader.committed(options.get("group"), topic(), partitions), read = new HashMap<>();
            for (int partition = 0; left > 0; partition = (partition + 1) % partitions) {
                for (var record : reader.fetch(topic(), partition, next.get(partition))) {
                    if (left == 0) {
                        break; // fetched, but not asked for
                    }
                    print(topic(), partition, record.offset(), record.message());
                    next.put(partition, record.nextOffset());
                    read.put(partition, record.nextOffset());
                    left--;
                }
            }
            reader.commit(options.get("group"), topic(), read);
            ObjectNode committed = event("committed"), offsets = committed.putObject("offsets");
            read.forEach((partition, offset) -> offsets.put(String.valueOf(partition), offset));
            OUT.println(committed);
        }
    }

    private String topic() {
        return options.get("topic");
    }

    private static void print(String topic, int partition, long offset, Message message) {
        ObjectNode json = event("record").put("topic", topic).put("partition", partition).put("offset", offset);
        json.put("key", Reader.bytes(message.key())).put("value", Reader.bytes(message.payload())); // byte[] becomes base64
        OUT.println(json);
    }

    private static ObjectNode event(String name) {
        return JSON.createObjectNode().put("event", name);
    }

    private static byte[] bytes(JsonNode base64) throws IOException {
        return base64.isNull() ? null : base64.binaryValue();
    }
}
