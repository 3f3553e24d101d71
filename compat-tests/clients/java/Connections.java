import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The step of the Java client that shows who it is: makes the connections of standard input, one a line, and answers each. */
final class Connections {
    private static final Duration POLL = Duration.ofMillis(200);

    private Connections() {
    }

    static void run() throws Exception {
        try (var in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                ObjectNode answer = Client.event("done");
                try {
                    exchange(Client.JSON.readTree(line));
                } catch (ExecutionException e) {
                    answer = Client.event("refused").put("message", e.getCause().toString());
                } catch (KafkaException e) {
                    answer = Client.event("refused").put("message", e.toString());
                }
                Client.OUT.println(answer);
            }
        }
    }

    /** Sends the values, waits until all are acknowledged, and emits what it reads of the topic from its beginning, as many records. */
    private static void exchange(JsonNode c) throws Exception {
        String topic = c.get("topic").textValue();
        Properties properties = properties(c);
        try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (JsonNode value : c.get("values")) {
                sent.add(producer.send(new ProducerRecord<>(topic, value.textValue().getBytes())));
            }
            for (Future<RecordMetadata> acknowledged : sent) {
                acknowledged.get();
            }
        }
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            for (int left = c.get("values").size(); left > 0; ) {
                var records = consumer.poll(POLL);
                records.forEach(Client::print);
                left -= records.count();
            }
        }
    }

    private static Properties properties(JsonNode c) throws IOException {
        Properties properties = new Properties();
        properties.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, c.get("bootstrap").textValue());
        properties.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, c.get("protocol").textValue());
        if (c.has("ca")) {
            properties.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
            properties.put(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, c.get("ca").textValue());
        }
        if (c.has("certificate")) {
            properties.put(SslConfigs.SSL_KEYSTORE_TYPE_CONFIG, "PEM");
            properties.put(SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG, Files.readString(Path.of(c.get("certificate").textValue())));
            properties.put(SslConfigs.SSL_KEYSTORE_KEY_CONFIG, Files.readString(Path.of(c.get("key").textValue())));
        }
        if (c.has("mechanism")) {
            String mechanism = c.get("mechanism").textValue();
            properties.put(SaslConfigs.SASL_MECHANISM, mechanism);
            properties.put(SaslConfigs.SASL_JAAS_CONFIG, login(mechanism, c));
            if (mechanism.equals("GSSAPI")) {
                System.setProperty("java.security.krb5.conf", c.get("kerberos").get("config").textValue());
                properties.put(SaslConfigs.SASL_KERBEROS_SERVICE_NAME, c.get("kerberos").get("service").textValue());
            }
            if (mechanism.equals("OAUTHBEARER")) {
                properties.put(SaslConfigs.SASL_LOGIN_CALLBACK_HANDLER_CLASS, Bearer.class);
            }
        }
        return properties;
    }

    /** An entry of JAAS. */
    private static String login(String mechanism, JsonNode c) {
        if (mechanism.equals("GSSAPI")) {
            JsonNode k = c.get("kerberos");
            return "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab=\"" + k.get("keytab").textValue()
                    + "\" principal=\"" + c.get("user").textValue() + "@" + k.get("realm").textValue() + "\";";
        }
        String modules = "org.apache.kafka.common.security.";
        if (mechanism.equals("OAUTHBEARER")) {
            return modules + "oauthbearer.OAuthBearerLoginModule required token=\"" + c.get("token").textValue() + "\";";
        }
        String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
        return modules + module + " required username=\"" + c.get("user").textValue() + "\" password=\"" + c.get("password").textValue() + "\";";
    }
}
