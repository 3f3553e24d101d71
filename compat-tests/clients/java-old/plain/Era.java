import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Kafka 0.9: records are a key and a value, and there is no admin client. */
final class Era {
    private Era() {}

    static void create(String bootstrap, String topic, int partitions) {
        throw new UnsupportedOperationException("no admin client");
    }

    static ProducerRecord<byte[], byte[]> record(String topic, byte[] key, byte[] value, JsonNode more) {
        return new ProducerRecord<>(topic, key, value);
    }

    static void describe(ConsumerRecord<byte[], byte[]> record, ObjectNode json) {}
}
