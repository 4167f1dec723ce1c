package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;

/** Clients that POST and GET through the load balancer during an operation on the application. */
final class Load {

    private static final int USERS = 20;
    private static final Queue<String> MEASUREMENTS = new ConcurrentLinkedQueue<>();

    private final String url = Cluster.url(Resource.path(""));
    private final String run = UUID.randomUUID().toString();
    private final long start = System.nanoTime();
    private final AtomicInteger requests = new AtomicInteger();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final Map<String, Collection<Long>> counted = new ConcurrentHashMap<>();

    /** Runs an action under load. The load ends when the old pods are gone and this number of requests was answered. */
    static void during(String what, int atLeast, Runnable action) {
        Load load = new Load();
        Clients clients = new Clients(n -> load.request(n % 7 == 0 ? "GET" : "POST", load.run + "-" + n % USERS));
        try {
            action.run();
            // The last old pod terminates after the rollout is reported as complete.
            Cluster.awaitTermination();
            clients.await(atLeast + " requests", Duration.ofMinutes(3), () -> load.requests.get() >= atLeast);
        } finally {
            clients.stop();
        }
        load.report(what);
    }

    private void request(String method, String user) {
        try {
            HttpResponse<String> answer = method.equals("GET") ? Http.get(url + user) : Http.post(url + user);
            if (answer.statusCode() != 200) {
                failures.add(method + " " + answer.statusCode() + " " + answer.body());
            } else if (method.equals("POST")) {
                counted.computeIfAbsent(user, any -> Collections.synchronizedList(new ArrayList<>()))
                        .add(Long.parseLong(answer.body()));
            }
        } catch (UncheckedIOException e) {
            failures.add(method + " " + e.getCause());
        }
        requests.incrementAndGet();
    }

    private void report(String what) {
        String figures = "%,d requests in %d s, %d failed"
                .formatted(
                        requests.get(),
                        Duration.ofNanos(System.nanoTime() - start).toSeconds(),
                        failures.size());
        measured(what, figures);
        assertThat(failures)
                .as("failed requests during '%s': %s", what, figures)
                .isEmpty();
        counted.forEach((user, numbers) -> {
            List<Long> expected =
                    LongStream.rangeClosed(1, numbers.size()).boxed().toList();
            assertThat(numbers.stream().sorted()).as(user).containsExactlyElementsOf(expected);
            assertThat(Http.get(url + user).body()).isEqualTo(Integer.toString(numbers.size()));
        });
    }

    /** Adds a row for a table in docs/guarantees.md. */
    static void measured(String what, String figures) {
        MEASUREMENTS.add("| %s | %s |".formatted(what, figures));
    }

    /** Prints all rows for the tables in docs/guarantees.md. */
    static void printMeasurements() {
        System.out.println("MEASURED");
        MEASUREMENTS.forEach(System.out::println);
    }
}
