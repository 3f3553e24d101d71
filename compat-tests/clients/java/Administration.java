import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The step of the Java client that needs an Admin: does what standard input says, a command a line, and answers each. */
final class Administration {
    private final Admin admin;

    private Administration(Admin admin) {
        this.admin = admin;
    }

    static void run(String bootstrap) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
             var in = new BufferedReader(new InputStreamReader(System.in))) {
            var administration = new Administration(admin);
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                ObjectNode answer = Client.event("done");
                try {
                    administration.command(Client.JSON.readTree(line), answer);
                } catch (ExecutionException e) {
                    answer = Client.event("refused").put("message", e.getCause().toString());
                }
                Client.OUT.println(answer);
            }
        }
    }

    private void command(JsonNode command, ObjectNode answer) throws Exception {
        String topic = command.path("topic").asText(), group = command.path("group").asText();
        int count = command.path("count").asInt();
        switch (command.get("do").textValue()) {
            case "create" -> admin.createTopics(List.of(new NewTopic(topic, count, (short) 1))).all().get();
            case "topics" -> names(answer, admin.listTopics().names().get());
            case "describe" -> answer.put("count", Described.byName(admin.describeTopics(List.of(topic))).get(topic).get().partitions().size());
            case "partitions" -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(count))).all().get();
            case "alter" -> {
                var set = new AlterConfigOp(new ConfigEntry(command.get("name").textValue(), command.get("value").textValue()), AlterConfigOp.OpType.SET);
                admin.incrementalAlterConfigs(Map.of(settingsOf(topic), List.of(set))).all().get();
            }
            case "config" -> {
                var described = admin.describeConfigs(List.of(settingsOf(topic))).all().get().get(settingsOf(topic));
                answer.put("text", described.get(command.get("name").textValue()).value());
            }
            case "delete-records" -> {
                var partition = new TopicPartition(topic, command.get("partition").intValue());
                admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(command.get("before").longValue()))).all().get();
            }
            case "groups" -> names(answer, admin.listConsumerGroups().all().get().stream().map(listed -> listed.groupId()).toList());
            case "offsets" -> {
                ObjectNode offsets = answer.putObject("offsets");
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().forEach((partition, committed) -> {
                    if (partition.topic().equals(topic)) {
                        offsets.put(String.valueOf(partition.partition()), committed.offset());
                    }
                });
            }
            case "delete-group" -> admin.deleteConsumerGroups(List.of(group)).all().get();
            case "delete" -> admin.deleteTopics(List.of(topic)).all().get();
            default -> throw new IllegalArgumentException(command.toString());
        }
    }

    private static ConfigResource settingsOf(String topic) {
        return new ConfigResource(ConfigResource.Type.TOPIC, topic);
    }

    private static void names(ObjectNode answer, Iterable<String> names) {
        ArrayNode list = answer.putArray("names");
        names.forEach(list::add);
    }
}
