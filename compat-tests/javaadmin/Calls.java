import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.Errors;

/**
 * Calls every method of Admin, with good and with bad arguments, and prints one line for each call: what came
 * back, or the exceptions. At the end come the methods of the interface that were not called: there must be none.
 *
 * <p>Usage: java Calls BOOTSTRAP
 */
public final class Calls {
    /** Bounds one call; clients try again what is retriable until this is over. */
    static final int CALL_MILLIS = 5_000;

    private static final Set<String> CALLED = new HashSet<>();
    private static String bootstrap;
    private static String clusterId;

    private Calls() {}

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "client.id", "calls",
            "default.api.timeout.ms", CALL_MILLIS, "request.timeout.ms", CALL_MILLIS);
        Properties properties = new Properties();
        properties.putAll(settings);
        try (Admin other = watched(Admin.create(properties))) {
            tell("create(Properties)", () -> other.describeCluster().controller());
        }
        Admin admin = watched(Admin.create(settings));
        clusterId = admin.describeCluster().clusterId().get();
        new TopicCalls(admin).run();
        new ClusterCalls(admin).run();
        new GroupCalls(admin, bootstrap).run();
        tell("metrics", () -> admin.metrics().isEmpty());
        admin.close(Duration.ofSeconds(5));
        tell("after close", () -> admin.listTopics());
        for (Method m : Admin.class.getMethods()) {
            if (!Modifier.isStatic(m.getModifiers()) && !CALLED.contains(signature(m))) {
                System.out.println("NOT CALLED: " + signature(m));
            }
        }
    }

    /** An Admin that notes which of its methods are called. */
    static Admin watched(Admin real) {
        return (Admin) Proxy.newProxyInstance(Calls.class.getClassLoader(), new Class<?>[] {Admin.class}, (proxy, method, args) -> {
            CALLED.add(signature(method));
            try {
                return method.invoke(real, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private static String signature(Method m) {
        List<String> parameters = new ArrayList<>();
        for (Class<?> type : m.getParameterTypes()) {
            parameters.add(type.getSimpleName());
        }
        return m.getName() + "(" + String.join(", ", parameters) + ")";
    }

    /** Makes a call and prints its line. */
    static void tell(String label, Callable<Object> call) {
        String line;
        try {
            line = text(call.call());
        } catch (Throwable e) {
            line = "throws " + exception(e);
        }
        if (clusterId != null) {
            line = line.replace(clusterId, "CLUSTER");
        }
        String port = bootstrap.substring(bootstrap.lastIndexOf(':') + 1);
        System.out.println(label + ": " + line.replace("\n", "\\n").replace(bootstrap, "ADDRESS").replace("port=" + port, "port=PORT"));
    }

    /** Makes calls until the answer is as wanted: effects that show with a delay. */
    static void await(String what, Callable<Boolean> done) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            boolean isDone;
            try {
                isDone = done.call();
            } catch (ExecutionException e) {
                isDone = false;
            }
            if (isDone) {
                return;
            }
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("waited in vain for " + what);
            }
            Thread.sleep(20);
        }
    }

    /** What a value says, the same for the same answers whatever order they come in. */
    static String text(Object value) throws Exception {
        if (value == null) {
            return "null";
        } else if (value instanceof KafkaFuture<?> future) {
            return future(future);
        } else if (value instanceof Throwable e) {
            return exception(e);
        } else if (value instanceof Optional<?> o) {
            return o.isPresent() ? text(o.get()) : "none";
        } else if (value instanceof OptionalInt || value instanceof OptionalLong) {
            return value.toString();
        } else if (value instanceof byte[] bytes) {
            return Arrays.toString(bytes);
        } else if (value instanceof Map<?, ?> map) {
            Set<String> entries = new TreeSet<>();
            for (Map.Entry<?, ?> e : map.entrySet()) {
                entries.add(text(e.getKey()) + " = " + text(e.getValue()));
            }
            return "{" + String.join("; ", entries) + "}";
        } else if (value instanceof Collection<?> all) {
            List<String> elements = new ArrayList<>();
            for (Object one : all) {
                elements.add(text(one));
            }
            Collections.sort(elements);
            return "[" + String.join("; ", elements) + "]";
        }
        Class<?> type = value.getClass();
        if (type.isEnum() || !type.getName().startsWith("org.apache.kafka.") || PLAIN.contains(type.getSimpleName())) {
            return value.toString();
        }
        return type.getSimpleName() + fields(value);
    }

    /** Types whose own text says all. */
    private static final Set<String> PLAIN = Set.of("TopicPartition", "Uuid", "ConfigResource", "ClientQuotaEntity",
        "TopicPartitionReplica", "ScramCredentialInfo", "AclBindingFilter", "AclBinding", "GroupListing", "MemberToRemove");

    /** What is not compared: texts for people, and what two brokers differ in by right. */
    private static final Set<String> SKIPPED = Set.of("hashCode", "toString", "documentation", "close", "isSimpleConsumerGroup",
        "totalBytes", "usableBytes", "hasRack", "idString", "endpoints", "lastTimestamp");

    private static String fields(Object value) throws Exception {
        List<Method> accessors = new ArrayList<>();
        boolean single = false;
        for (Method m : value.getClass().getMethods()) {
            boolean ours = m.getDeclaringClass().getName().startsWith("org.apache.kafka.");
            if (!ours || m.getParameterCount() > 0 || m.getReturnType() == void.class || SKIPPED.contains(m.getName())
                || m.isBridge() || Modifier.isStatic(m.getModifiers())) {
                continue;
            }
            accessors.add(m);
            single |= !m.getName().startsWith("all");
        }
        Set<String> told = new TreeSet<>();
        for (Method m : accessors) {
            // all() fails with one of several exceptions, any of them: the others say which belongs to what.
            if (single && m.getName().startsWith("all") && value.getClass().getSimpleName().endsWith("Result")) {
                continue;
            }
            m.setAccessible(true);
            try {
                told.add(m.getName() + "=" + text(m.invoke(value)));
            } catch (InvocationTargetException e) {
                told.add(m.getName() + " throws " + text(e.getCause()));
            }
        }
        return told.toString();
    }

    private static String future(KafkaFuture<?> future) throws Exception {
        try {
            return text(future.get(2 * CALL_MILLIS, TimeUnit.MILLISECONDS));
        } catch (ExecutionException e) {
            return exception(e.getCause());
        }
    }

    /** The class, and the message unless it is the one that belongs to the error code anyway. */
    private static String exception(Throwable e) {
        Errors code = Errors.forException(e);
        String message = e.getMessage();
        if (message != null && message.equals(code.message())) {
            message = "<as always>";
        } else if (e instanceof TimeoutException) {
            message = "<time is over>"; // whether the last try was under way is chance
        }
        return e.getClass().getSimpleName() + " \"" + message + "\"";
    }
}
