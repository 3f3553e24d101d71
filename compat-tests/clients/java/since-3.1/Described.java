import java.util.Map;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;

/** What has changed its name in Kafka 3.1 (KIP-516). */
final class Described {
    private Described() {}

    static Map<String, KafkaFuture<TopicDescription>> byName(DescribeTopicsResult result) {
        return result.topicNameValues();
    }
}
