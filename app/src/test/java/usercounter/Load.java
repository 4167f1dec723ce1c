package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntPredicate;
import java.util.stream.LongStream;

/** Clients that POST at the same time, and every answer they got. */
final class Load {

    private final Map<String, List<Long>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger unanswered = new AtomicInteger();
    private final ExecutorService clients;
    private final boolean keyed;
    private volatile boolean over;

    private Load(int clients, boolean keyed) {
        this.clients = Executors.newFixedThreadPool(clients);
        this.keyed = keyed;
    }

    /**
     * Starts clients that go on until they are told to {@link #stop}.
     *
     * @param users what the clients count, in turn
     * @param servers each client has one of them
     */
    static Load start(int clients, int users, Endpoint... servers) {
        return start(clients, users, n -> true, servers);
    }

    /**
     * The same, but a client may end sooner.
     *
     * @param goOn asked before a client's n-th request, from 0 on
     */
    static Load start(int clients, int users, IntPredicate goOn, Endpoint... servers) {
        return new Load(clients, false).begin(clients, users, goOn, servers);
    }

    /**
     * As {@link #start}, but each request has a key of its own and is repeated, with the servers in turn, until it is
     * answered.
     */
    static Load startKeyed(int clients, int users, Endpoint... servers) {
        return new Load(clients, true).begin(clients, users, n -> true, servers);
    }

    private Load begin(int number, int users, IntPredicate goOn, Endpoint... servers) {
        for (int i = 0; i < number; i++) {
            int client = i;
            clients.execute(() -> {
                for (int n = 0; !over && goOn.test(n); n++) {
                    String user = "load-" + (client + n) % users;
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
        while (!post(servers[attempt % servers.length], user, IdempotencyKey.HEADER, key)) {
            attempt++;
            LockSupport.parkNanos(20_000_000);
        }
    }

    /** Whether it was answered. */
    private boolean post(Endpoint server, String user, String... headers) {
        try {
            var answer = server.post("/users/" + user, headers);
            if (answer.statusCode() == 200) {
                answers.computeIfAbsent(user, any -> Collections.synchronizedList(new ArrayList<>()))
                        .add(Long.parseLong(answer.body()));
                return true;
            }
            assertThat(answer.statusCode()).isEqualTo(503);
        } catch (UncheckedIOException e) {
            // The server is gone; counted below, as a 503 is.
        }
        unanswered.incrementAndGet();
        return false;
    }

    /** Lets each client finish its request. */
    void stop() {
        over = true;
        await();
    }

    /** Waits for the end of clients that end by themselves. */
    void await() {
        try {
            assertThat(clients.awaitTermination(5, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    void awaitAcknowledged(int number) throws InterruptedException {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (acknowledged() < number) {
            assertThat(System.nanoTime()).as("too few increments").isLessThan(deadline);
            Thread.sleep(10);
        }
    }

    int acknowledged() {
        return answers.values().stream().mapToInt(List::size).sum();
    }

    int unanswered() {
        return unanswered.get();
    }

    /** Every user's answers are 1, 2, 3 … each once, and the server says the same. */
    void assertExact(Endpoint server) {
        answers.forEach((user, numbers) -> {
            assertThat(numbers.stream().sorted())
                    .as(user)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, numbers.size()).boxed().toList());
            assertThat(server.get("/users/" + user).body()).as(user).isEqualTo(Integer.toString(numbers.size()));
        });
    }

    /**
     * No number was answered twice, and none is lost: each user's counter stands at its highest answer at least, and
     * beyond the acknowledged there are no more increments than requests without an answer.
     */
    void assertNothingAcknowledgedIsLost(Endpoint server) {
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
