package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.LongStream;

/** Clients that POST concurrently to resources that count, until {@link #stop}, and all their answers. */
public final class Load {

    private final String prefix = "load-" + UUID.randomUUID() + "-";
    private final Map<String, List<Long>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());
    private final AtomicLong longestPause = new AtomicLong();
    private final List<Future<?>> clients = new ArrayList<>();
    private final String path;
    private volatile boolean over;

    private Load(String path) {
        this.path = path;
    }

    /**
     * Starts clients that each use one of the servers.
     *
     * @param path of all resources, without their names
     * @param names the number of resources that each client counts, in turn
     */
    public static Load start(int clients, String path, int names, Endpoint... servers) {
        Load load = new Load(path);
        load.begin(clients, names, (name, client) -> load.post(servers[client % servers.length], name));
        return load;
    }

    /**
     * Starts clients that repeat each request, with the servers in turn, until it is answered.
     *
     * @param headers returns the headers of the next request and of its repetitions
     */
    public static Load startRepeating(
            int clients, String path, int names, Supplier<String[]> headers, Endpoint... servers) {
        Load load = new Load(path);
        load.begin(clients, names, (name, client) -> {
            String[] same = headers.get();
            for (int attempt = client; !load.post(servers[attempt % servers.length], name, same); attempt++) {
                LockSupport.parkNanos(20_000_000);
            }
        });
        return load;
    }

    private interface Request {
        void send(String name, int client);
    }

    private void begin(int number, int names, Request request) {
        ExecutorService threads = Executors.newFixedThreadPool(number);
        for (int i = 0; i < number; i++) {
            int client = i;
            clients.add(threads.submit(() -> {
                for (int n = 0; !over; n++) {
                    request.send(prefix + (client + n) % names, client);
                }
            }));
        }
        threads.shutdown();
    }

    /** Returns whether the request was answered 200. */
    private boolean post(Endpoint server, String name, String... headers) {
        try {
            var answer = server.post(path + name, headers);
            if (answer.statusCode() == 200) {
                answers.computeIfAbsent(name, any -> Collections.synchronizedList(new ArrayList<>()))
                        .add(Long.parseLong(answer.body()));
                long now = System.nanoTime();
                longestPause.accumulateAndGet(now - lastAnswer.getAndSet(now), Math::max);
                return true;
            }
            assertThat(answer.statusCode()).isEqualTo(503);
        } catch (UncheckedIOException e) {
            // The server does not answer: counted below, like a 503.
        }
        unanswered.incrementAndGet();
        return false;
    }

    /** Stops the clients after their current requests. Fails if one of them had another answer than 200 and 503. */
    public void stop() throws Exception {
        over = true;
        for (Future<?> client : clients) {
            client.get(5, TimeUnit.MINUTES);
        }
    }

    /** Waits for this number of increments from now on. */
    public void awaitMore(int increments) {
        int number = acknowledged() + increments;
        Waiting.until(number + " acknowledged increments", () -> acknowledged() >= number);
    }

    public int acknowledged() {
        return answers.values().stream().mapToInt(List::size).sum();
    }

    public int unanswered() {
        return unanswered.get();
    }

    /** The names that were counted so far. */
    public Set<String> names() {
        return answers.keySet();
    }

    /** Prints a row for the table in docs/guarantees.md. Call it after an assertion that nothing is lost. */
    public void printExact(String what) {
        System.out.printf(
                "MEASURED%n| %s | %,d increments, %,d tries repeated, lost 0, double 0, longest time without an answer %.1f s |%n",
                what, acknowledged(), unanswered(), longestPause.get() / 1e9);
    }

    /** The answers of each name are 1, 2, 3 …, each once, and the last one is the number on the server. */
    public void assertExact(Endpoint server) {
        answers.forEach((name, numbers) -> {
            assertThat(numbers.stream().sorted())
                    .as(name)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, numbers.size()).boxed().toList());
            assertThat(server.get(path + name).body()).as(name).isEqualTo(Integer.toString(numbers.size()));
        });
    }

    /**
     * No number was answered twice, and none is lost: each number is at least the highest answer. All numbers together
     * exceed the acknowledged increments by at most the number of requests without an answer.
     */
    public void assertNothingAcknowledgedIsLost(Endpoint server) {
        long counted = 0;
        for (Map.Entry<String, List<Long>> name : answers.entrySet()) {
            assertThat(new HashSet<>(name.getValue())).as(name.getKey()).hasSameSizeAs(name.getValue());
            long count = Long.parseLong(server.get(path + name.getKey()).body());
            assertThat(count)
                    .as(name.getKey())
                    .isGreaterThanOrEqualTo(Collections.max(name.getValue()))
                    .isGreaterThanOrEqualTo(name.getValue().size());
            counted += count;
        }
        assertThat(counted).isBetween((long) acknowledged(), (long) acknowledged() + unanswered());
    }
}
