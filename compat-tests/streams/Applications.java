import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindowedKStream;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Two applications: arguments are "stateless" or "windowed", the address, and the folder for state.
 *
 * <p>What they compute is computed again, in plain Go, by the tests beside them.
 */
public final class Applications {
    private static final Consumed<String, String> TEXT = Consumed.with(Serdes.String(), Serdes.String());
    private static final Produced<String, String> OUT = Produced.with(Serdes.String(), Serdes.String());

    private Applications() {
    }

    public static void main(String[] args) {
        // It would tell of every late record.
        System.setProperty("org.slf4j.simpleLogger.log.org.apache.kafka.streams.kstream.internals.KStreamWindowAggregate", "error");
        boolean windowed = args[0].equals("windowed");
        Properties properties = new Properties();
        properties.putAll(Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG, args[0],
            StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[1],
            StreamsConfig.STATE_DIR_CONFIG, args[2],
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG, windowed ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE,
            StreamsConfig.REPLICATION_FACTOR_CONFIG, 1,
            StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100,
            // The least that a broker accepts by default: a killed member holds its tasks for so long.
            StreamsConfig.mainConsumerPrefix("session.timeout.ms"), 6000,
            StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest"));
        // Windows that close are emitted at once and not a second later, or else a record that is late for one
        // would still be counted by an instance that takes over in between.
        properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
        StreamsBuilder builder = new StreamsBuilder();
        if (windowed) {
            windowed(builder);
        } else {
            properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
            stateless(builder);
        }
        new KafkaStreams(builder.build(), properties).start();
    }

    /** Numbers are mapped; multiples of three are dropped; what is left goes to one of two topics. */
    private static void stateless(StreamsBuilder builder) {
        builder.stream("numbers", TEXT)
            .map((key, value) -> KeyValue.pair("key-" + key, Integer.parseInt(value) * 7 + 1))
            .filter((key, value) -> value % 3 != 0)
            .split()
            .branch((key, value) -> value % 2 == 0, Branched.withConsumer(s -> s.mapValues(String::valueOf).to("even", OUT)))
            .defaultBranch(Branched.withConsumer(s -> s.mapValues(String::valueOf).to("odd", OUT)));
    }

    /** Counts per window, told when the window closes: by the count itself, and by a suppression behind it. */
    private static void windowed(StreamsBuilder builder) {
        // A store hides what is older than its retention, also from the emission of windows when time leaps. And no
        // cache: to emit for the first time, its iterator takes every minute since 1970 by itself.
        Materialized<String, Long, WindowStore<Bytes, byte[]>> closing = Materialized.as("closing");
        out(windows(builder, "readings").emitStrategy(EmitStrategy.onWindowClose())
            .count(closing.withRetention(Duration.ofMinutes(5)).withCachingDisabled()).toStream(), "closed");
        out(windows(builder, "orderly").count(Materialized.as("suppressed"))
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded())).toStream(), "released");
    }

    private static TimeWindowedKStream<String, String> windows(StreamsBuilder builder, String topic) {
        return builder.stream(topic, TEXT).groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofSeconds(10), Duration.ofSeconds(5)));
    }

    private static void out(KStream<Windowed<String>, Long> counts, String topic) {
        counts.map((window, count) -> KeyValue.pair(window.key() + "@" + window.window().start(), count.toString())).to(topic, OUT);
    }
}
