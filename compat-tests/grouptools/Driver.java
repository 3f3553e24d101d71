import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools and keeps group members, in one JVM: a JSON object a line in, one a line out.
 *
 * <pre>
 * {"do": "tool", "class": NAME, "args": [...]}                -> {"status": N, "stdout": TEXT, "stderr": TEXT}
 * {"do": "join", "member": NAME, "config": {...}, "topics": [...] or "pattern": REGEX}   -> {}
 * {"do": "await", "group": NAME, "members": N, "partitions": N}   stable, with that much assigned   -> {}
 * {"do": "leave", "member": NAME}                             -> {}
 * {"do": "leave"}                              all members    -> {}
 * </pre>
 *
 * An answer with "error" says that a step could not be done. The first argument is the bootstrap address.
 */
public final class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final String bootstrap;
    private final Map<String, Member> members = new TreeMap<>();

    private Driver(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err); // where the logging of Kafka's clients goes, which looks once
        Driver driver = new Driver(args[0]);
        try (var in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                ObjectNode answer = JSON.createObjectNode();
                try {
                    driver.run(JSON.readTree(line), answer);
                } catch (Exception e) {
                    answer.put("error", e.toString());
                }
                answers.println(answer);
            }
        }
        System.exit(0); // members may still run
    }

    private void run(JsonNode request, ObjectNode answer) throws Exception {
        switch (request.get("do").textValue()) {
            case "tool" -> tool(request, answer);
            case "join" -> members.put(request.get("member").textValue(), new Member(request));
            case "await" -> await(request);
            case "leave" -> leave(request);
            default -> throw new IllegalArgumentException(request.toString());
        }
    }

    private void leave(JsonNode request) throws InterruptedException {
        List<String> names = request.has("member") ? List.of(request.get("member").textValue()) : List.copyOf(members.keySet());
        for (String name : names) {
            members.remove(name).leave();
        }
    }

    /** What a tool throws in place of the end of the JVM. */
    private static final class Ended extends Error {
        final int status;

        Ended(int status) {
            this.status = status;
        }
    }

    private static void tool(JsonNode request, ObjectNode answer) throws Exception {
        List<String> args = new ArrayList<>();
        request.get("args").forEach(arg -> args.add(arg.textValue()));
        PrintStream out = System.out;
        PrintStream err = System.err;
        var stdout = new ByteArrayOutputStream();
        var stderr = new ByteArrayOutputStream();
        System.setOut(new PrintStream(stdout, true));
        System.setErr(new PrintStream(stderr, true));
        Exit.setExitProcedure((status, message) -> {
            // Tools catch everything and report it, the end as well: what they print after it is not theirs.
            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
            System.setErr(new PrintStream(OutputStream.nullOutputStream()));
            answer.put("status", status);
            throw new Ended(status);
        });
        try {
            Class.forName(request.get("class").textValue()).getMethod("main", String[].class)
                .invoke(null, (Object) args.toArray(new String[0]));
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof Ended)) {
                throw e;
            }
        } finally {
            System.setOut(out);
            System.setErr(err);
            Exit.resetExitProcedure();
        }
        answer.put("stdout", stdout.toString()).put("stderr", stderr.toString());
    }

    /** Waits until the broker says that the group is stable and has that many members and assigned partitions. */
    private void await(JsonNode request) throws Exception {
        String group = request.get("group").textValue();
        int wantMembers = request.get("members").intValue();
        int wantPartitions = request.get("partitions").intValue();
        long end = System.nanoTime() + LIMIT.toNanos();
        String last = "";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            while (System.nanoTime() < end) {
                try {
                    ConsumerGroupDescription described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                    int assigned = described.members().stream().mapToInt(m -> m.assignment().topicPartitions().size()).sum();
                    if (described.groupState() == GroupState.STABLE && described.members().size() == wantMembers
                        && assigned == wantPartitions) {
                        return;
                    }
                    last = described.toString();
                } catch (ExecutionException e) {
                    last = e.toString();
                }
                Thread.sleep(20);
            }
        }
        throw new IllegalStateException("not reached: " + request + ", the group is " + last);
    }

    /** A consumer that polls in a thread of its own. */
    private final class Member implements Runnable {
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Thread thread = new Thread(this);

        Member(JsonNode request) {
            Properties properties = new Properties();
            properties.put("bootstrap.servers", bootstrap);
            properties.put("enable.auto.commit", "false");
            request.get("config").properties().forEach(e -> properties.put(e.getKey(), e.getValue().textValue()));
            consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            if (request.hasNonNull("pattern")) {
                consumer.subscribe(new SubscriptionPattern(request.get("pattern").textValue()));
            } else {
                List<String> topics = new ArrayList<>();
                request.get("topics").forEach(topic -> topics.add(topic.textValue()));
                consumer.subscribe(topics);
            }
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void run() {
            try (consumer) {
                while (true) {
                    consumer.poll(Duration.ofSeconds(1));
                }
            } catch (WakeupException e) {
                // asked to leave
            } catch (Exception e) {
                e.printStackTrace();
            }
        }

        void leave() throws InterruptedException {
            consumer.wakeup();
            thread.join();
        }
    }
}
