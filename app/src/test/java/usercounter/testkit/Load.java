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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntPredicate;
import java.util.stream.LongStream;
import usercounter.counters.IdempotencyKeyHeader;

/** Clients that POST concurrently, and all their answers. */
public final class Load {

    private final String prefix = "load-" + UUID.randomUUID() + "-";
    private final Map<String, List<Long>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());
    private final AtomicLong longestPause = new AtomicLong();
    private final ExecutorService clients;
    private final boolean keyed;
    private volatile boolean over;

    private Load(int clients, boolean keyed) {
        this.clients = Executors.newFixedThreadPool(clients);
        this.keyed = keyed;
    }

    /**
     * Starts clients that send requests until {@link #stop}.
     *
     * @param users the users that each client counts, in turn
     * @param servers the servers; each client uses one of them
     */
    public static Load start(int clients, int users, Endpoint... servers) {
        return start(clients, users, n -> true, servers);
    }

    /**
     * Like {@link #start}, but a client may end earlier.
     *
     * @param goOn decides whether a client sends its n-th request, counted from 0
     */
    public static Load start(int clients, int users, IntPredicate goOn, Endpoint... servers) {
        return new Load(clients, false).begin(clients, users, goOn, servers);
    }

    /**
     * Like {@link #start}, but each request has its own idempotency key and is repeated, with the servers in turn,
     * until it is answered.
     */
    public static Load startKeyed(int clients, int users, Endpoint... servers) {
        return new Load(clients, true).begin(clients, users, n -> true, servers);
    }

    private Load begin(int number, int users, IntPredicate goOn, Endpoint... servers) {
        for (int i = 0; i < number; i++) {
            int client = i;
            clients.execute(() -> {
                for (int n = 0; !over && goOn.test(n); n++) {
                    String user = prefix + (client + n) % users;
                    if (keyed) {
                        postUntilAnswered(user, client, servers);
                    } else {
                        post(servers[client % servers.length], user);
                    }
                }
            });
        }
        clients.shutdown();
        return this;
    }

    private void postUntilAnswered(String user, int client, Endpoint... servers) {
        String key = "\"" + UUID.randomUUID() + "\"";
        int attempt = client;
        while (!post(servers[attempt % servers.length], user, IdempotencyKeyHeader.NAME, key)) {
            attempt++;
            LockSupport.parkNanos(20_000_000);
        }
    }

    /** Returns whether the request was answered 200. */
    private boolean post(Endpoint server, String user, String... headers) {
        try {
            var answer = server.post("/users/" + user, headers);
            if (answer.statusCode() == 200) {
                answers.computeIfAbsent(user, any -> Collections.synchronizedList(new ArrayList<>()))
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

    /** Stops the clients after their current requests. */
    public void stop() {
        over = true;
        await();
    }

    /** Waits for clients that end by themselves. */
    public void await() {
        try {
            assertThat(clients.awaitTermination(5, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    public void awaitAcknowledged(int number) throws InterruptedException {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (acknowledged() < number) {
            assertThat(System.nanoTime())
                    .as("deadline for " + number + " acknowledged increments; there are " + acknowledged())
                    .isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    public int acknowledged() {
        return answers.values().stream().mapToInt(List::size).sum();
    }

    public int unanswered() {
        return unanswered.get();
    }

    /** The users that were counted so far. */
    public Set<String> users() {
        return answers.keySet();
    }

    /** Prints a row for the table in docs/guarantees.md. Call it after an assertion that nothing is lost. */
    public void printExact(String what) {
        System.out.printf(
                "MEASURED%n| %s | %,d increments, %,d tries repeated, lost 0, double 0, longest time without an answer %.1f s |%n",
                what, acknowledged(), unanswered(), longestPause.get() / 1e9);
    }

    /** The answers of each user are 1, 2, 3 …, each once, and the last one is the user's number on the server. */
    public void assertExact(Endpoint server) {
        answers.forEach((user, numbers) -> {
            assertThat(numbers.stream().sorted())
                    .as(user)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, numbers.size()).boxed().toList());
            assertThat(server.get("/users/" + user).body()).as(user).isEqualTo(Integer.toString(numbers.size()));
        });
    }

    /**
     * No number was answered twice, and none is lost: the counter of each user is at least the user's highest answer.
     * All counters together exceed the acknowledged increments by at most the number of requests without an answer.
     */
    public void assertNothingAcknowledgedIsLost(Endpoint server) {
        long counted = 0;
        for (Map.Entry<String, List<Long>> user : answers.entrySet()) {
            assertThat(new HashSet<>(user.getValue())).as(user.getKey()).hasSameSizeAs(user.getValue());
            long count = Long.parseLong(server.get("/users/" + user.getKey()).body());
            assertThat(count).as(user.getKey()).isGreaterThanOrEqualTo(Collections.max(user.getValue()));
            assertThat(count)
                    .as(user.getKey())
                    .isGreaterThanOrEqualTo(user.getValue().size());
            counted += count;
        }
        assertThat(counted).isBetween((long) acknowledged(), (long) acknowledged() + unanswered());
    }
}
