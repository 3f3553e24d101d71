import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Kafka 0.10: records have timestamps (KIP-32). */
final class Era {
    private Era() {}

    static void create(String bootstrap, String topic, int partitions) {
        throw new UnsupportedOperationException("no admin client");
    }

    static ProducerRecord<byte[], byte[]> record(String topic, byte[] key, byte[] value, JsonNode more) {
        Long timestamp = more.has("timestamp") ? more.get("timestamp").longValue() : null;
        return new ProducerRecord<>(topic, null, timestamp, key, value);
    }

    static void describe(ConsumerRecord<byte[], byte[]> record, ObjectNode json) {
        json.put("timestamp", record.timestamp());
    }
}
