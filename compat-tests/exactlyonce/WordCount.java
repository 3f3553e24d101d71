import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Counts words: arguments are the address, the folder for state, and the topics of lines and of counts.
 *
 * <p>Words are keyed anew, which takes a repartition topic; nothing is cached, so that each count of each word comes out.
 */
public final class WordCount {
    private WordCount() {
    }

    public static void main(String[] args) {
        Properties properties = new Properties();
        properties.putAll(Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG, "word-count",
            StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0],
            StreamsConfig.STATE_DIR_CONFIG, Path.of(args[1]).toString(),
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2,
            StreamsConfig.REPLICATION_FACTOR_CONFIG, 1,
            StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 50,
            StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0,
            // The least that a broker accepts by default: a killed member holds its tasks for so long.
            StreamsConfig.mainConsumerPrefix("session.timeout.ms"), 6000,
            StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest"));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(args[2], Consumed.with(Serdes.String(), Serdes.String()))
            .flatMapValues(line -> Arrays.asList(line.split(" ")))
            .groupBy((key, word) -> word, Grouped.with("by-word", Serdes.String(), Serdes.String()))
            .count(Materialized.as("counts"))
            .toStream()
            .mapValues(String::valueOf)
            .to(args[3], Produced.with(Serdes.String(), Serdes.String()));
        KafkaStreams streams = new KafkaStreams(builder.build(), properties);
        streams.setStateListener((now, before) -> System.out.println(now));
        streams.start();
    }
}
