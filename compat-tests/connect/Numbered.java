import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** A source of numbers and a sink that writes down what it gets, both named in META-INF/services by the test. */
public final class Numbered {
    private static final ConfigDef ANYTHING = new ConfigDef();

    private Numbered() {
    }

    private static List<Map<String, String>> copies(Map<String, String> config, int tasks) {
        List<Map<String, String>> all = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
            Map<String, String> one = new java.util.HashMap<>(config);
            one.put("partition", String.valueOf(i));
            all.add(one);
        }
        return all;
    }

    /** Each task has a partition of the topic "topic" and counts up to what the file "limit" says at the time. */
    public static final class Source extends SourceConnector {
        private Map<String, String> config;

        @Override
        public void start(Map<String, String> settings) {
            config = settings;
        }

        @Override
        public Class<? extends Task> taskClass() {
            return Counter.class;
        }

        @Override
        public List<Map<String, String>> taskConfigs(int most) {
            return copies(config, most);
        }

        @Override
        public ExactlyOnceSupport exactlyOnceSupport(Map<String, String> settings) {
            return ExactlyOnceSupport.SUPPORTED;
        }

        @Override
        public void stop() {
        }

        @Override
        public ConfigDef config() {
            return ANYTHING;
        }

        @Override
        public String version() {
            return "1";
        }
    }

    public static final class Counter extends SourceTask {
        private static final int BATCH = 20;
        private Path limit;
        private String topic;
        private int partition;
        private long next;

        @Override
        public void start(Map<String, String> settings) {
            limit = Path.of(settings.get("limit"));
            topic = settings.get("topic");
            partition = Integer.parseInt(settings.get("partition"));
            Map<String, Object> offset = context.offsetStorageReader().offset(Map.of("partition", partition));
            next = offset == null ? 0 : ((Number) offset.get("next")).longValue();
        }

        @Override
        public List<SourceRecord> poll() throws InterruptedException {
            long end;
            try {
                end = Math.min(next + BATCH, Long.parseLong(Files.readString(limit)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Thread.sleep(20); // so that a test that looks now and then finds it counting
            if (next >= end) {
                return null;
            }
            List<SourceRecord> records = new ArrayList<>();
            for (; next < end; next++) {
                records.add(new SourceRecord(Map.of("partition", partition), Map.of("next", next + 1), topic, partition,
                    Schema.STRING_SCHEMA, String.valueOf(partition), Schema.STRING_SCHEMA, String.valueOf(next)));
            }
            return records;
        }

        @Override
        public void stop() {
        }

        @Override
        public String version() {
            return "1";
        }
    }

    /** Appends "partition offset value" of each record to the file "file", which all tasks share. */
    public static final class Sink extends SinkConnector {
        private Map<String, String> config;

        @Override
        public void start(Map<String, String> settings) {
            config = settings;
        }

        @Override
        public Class<? extends Task> taskClass() {
            return Writer.class;
        }

        @Override
        public List<Map<String, String>> taskConfigs(int most) {
            return copies(config, most);
        }

        @Override
        public void stop() {
        }

        @Override
        public ConfigDef config() {
            return ANYTHING;
        }

        @Override
        public String version() {
            return "1";
        }
    }

    public static final class Writer extends SinkTask {
        private Path file;

        @Override
        public void start(Map<String, String> settings) {
            file = Path.of(settings.get("file"));
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            StringBuilder text = new StringBuilder();
            for (SinkRecord r : records) {
                text.append(r.kafkaPartition()).append(' ').append(r.kafkaOffset()).append(' ').append(r.value()).append('\n');
            }
            try { // one write, so that a kill cuts no line
                Files.write(file, text.toString().getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void stop() {
        }

        @Override
        public String version() {
            return "1";
        }
    }
}
