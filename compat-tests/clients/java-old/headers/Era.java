import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;

/** Kafka 0.11 and later: records have timestamps and headers (KIP-82), and there is an admin client (KIP-117). */
final class Era {
    private Era() {}

    static void create(String bootstrap, String topic, int partitions) throws Exception {
        try (var admin = AdminClient.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        }
    }

    static ProducerRecord<byte[], byte[]> record(String topic, byte[] key, byte[] value, JsonNode more) throws IOException {
        Long timestamp = more.has("timestamp") ? more.get("timestamp").longValue() : null;
        var record = new ProducerRecord<>(topic, null, timestamp, key, value);
        for (JsonNode header : more.get("headers")) {
            record.headers().add(header.get(0).textValue(), Client.bytes(header.get(1)));
        }
        return record;
    }

    static void describe(ConsumerRecord<byte[], byte[]> record, ObjectNode json) {
        ArrayNode headers = json.put("timestamp", record.timestamp()).putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(header.value());
        }
    }
}
