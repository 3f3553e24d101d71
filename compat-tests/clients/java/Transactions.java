import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The step of the Java client that needs transactions: does what standard input says, a command a line, and answers each. */
final class Transactions {
    private static final Duration POLL = Duration.ofMillis(200);

    private final String bootstrap;
    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();

    Transactions(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    void run() throws Exception {
        try (var in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                ObjectNode answer = Client.event("done");
                try {
                    command(Client.JSON.readTree(line), answer);
                } catch (Exception e) {
                    answer = Client.event("refused").put("message", e.toString()).put("fenced", fenced(e));
                }
                Client.OUT.println(answer);
            }
        }
    }

    private void command(JsonNode command, ObjectNode answer) throws Exception {
        String name = command.get("as").textValue();
        KafkaProducer<byte[], byte[]> producer = producers.get(name);
        switch (command.get("do").textValue()) {
            case "init" -> {
                producer = producer(command);
                producers.put(name, producer);
                producer.initTransactions();
            }
            case "begin" -> producer.beginTransaction();
            case "send" -> send(producer, command);
            case "offsets" -> {
                String topic = command.get("topic").textValue();
                Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
                command.get("offsets").properties().forEach(e ->
                    next.put(new TopicPartition(topic, Integer.parseInt(e.getKey())), new OffsetAndMetadata(e.getValue().longValue())));
                producer.sendOffsetsToTransaction(next, new ConsumerGroupMetadata(command.get("group").textValue()));
            }
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "transform" -> transform(producer, command);
            case "drain" -> drain(command, answer.putObject("offsets"));
            default -> throw new IllegalArgumentException(command.toString());
        }
    }

    /** Returns when every value is acknowledged. */
    private static void send(KafkaProducer<byte[], byte[]> producer, JsonNode command) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode value : command.get("values")) {
            sent.add(producer.send(new ProducerRecord<>(command.get("topic").textValue(), command.get("partition").intValue(), null,
                value.textValue().getBytes())));
        }
        producer.flush();
        for (Future<RecordMetadata> acknowledged : sent) {
            acknowledged.get();
        }
    }

    private static boolean fenced(Throwable e) {
        if (e instanceof ExecutionException) {
            return fenced(e.getCause());
        }
        return e instanceof ProducerFencedException || e instanceof InvalidProducerEpochException
            || e.getCause() != null && fenced(e.getCause());
    }

    /** Moves records from one topic to another in transactions, with the offsets of a group, until count were committed. */
    private void transform(KafkaProducer<byte[], byte[]> producer, JsonNode command) {
        int left = command.get("count").intValue();
        Properties properties = readerProperties("read_committed");
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, command.get("group").textValue());
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "20");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(command.get("topic").textValue()));
            for (int transactions = 1; left > 0; ) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
                if (records.isEmpty()) {
                    continue;
                }
                producer.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
                Map<TopicPartition, Long> first = new HashMap<>();
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    producer.send(new ProducerRecord<>(command.get("to").textValue(), record.partition(), record.key(), record.value()));
                    var partition = new TopicPartition(record.topic(), record.partition());
                    first.putIfAbsent(partition, record.offset());
                    next.put(partition, new OffsetAndMetadata(record.offset() + 1));
                }
                producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
                if (transactions++ % command.get("abort-every").intValue() == 0) {
                    producer.flush(); // so that there is something to abort
                    producer.abortTransaction();
                    first.forEach(consumer::seek);
                } else {
                    producer.commitTransaction();
                    left -= records.count();
                }
            }
        }
    }

    /** Emits the whole topic, up to its end as the isolation level has it, and notes where it stopped. */
    private void drain(JsonNode command, ObjectNode offsets) {
        Properties properties = readerProperties(command.get("isolation").textValue());
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = new ArrayList<>();
            for (PartitionInfo info : consumer.partitionsFor(command.get("topic").textValue())) {
                all.add(new TopicPartition(info.topic(), info.partition()));
            }
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            while (all.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(POLL).forEach(Client::print);
            }
            all.forEach(partition -> offsets.put(String.valueOf(partition.partition()), consumer.position(partition)));
        }
    }

    private KafkaProducer<byte[], byte[]> producer(JsonNode command) {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, command.get("id").textValue());
        properties.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, command.get("timeout-ms").intValue());
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private Properties readerProperties(String isolation) {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation);
        return properties;
    }
}
