package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that give each POST an idempotency key, repeat it until it is acknowledged, and record every answer. Despite
 * all faults, the answers for a user are 1 to N, each once, and the user's number is N.
 */
final class ExactlyOnce {

    /** Minimum number of acknowledged increments for each fault; {@code -Dincrements=…} for a longer run. */
    private static final int INCREMENTS = Integer.getInteger("increments", 2_000);

    private static final int USERS = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Duration BEFORE_NEXT_TRY = Duration.ofMillis(50);

    /** One attempt of a POST. */
    interface Attempt {
        /** @throws UncheckedIOException if there is no answer */
        HttpResponse<String> post(String url, String key);
    }

    /**
     * The result.
     *
     * @param increments number of acknowledged requests
     * @param repeats number of attempts that failed and were repeated
     * @param lost number of acknowledged increments that are missing in the users' numbers
     * @param doubled number of increments that were counted without a request
     * @param pause the longest time without an acknowledgement
     */
    record Tally(long increments, long repeats, long lost, long doubled, Duration pause) {

        /**
         * @param answers all answers for one user, in any order
         * @param number the user's number at the end
         */
        static Tally of(Collection<Long> answers, long number) {
            Set<Long> distinct = new HashSet<>(answers);
            long kept = distinct.stream().filter(answer -> answer <= number).count();
            return new Tally(answers.size(), 0, answers.size() - kept, number - kept, Duration.ZERO);
        }

        private Tally plus(Tally other) {
            return new Tally(
                    increments + other.increments,
                    repeats + other.repeats,
                    lost + other.lost,
                    doubled + other.doubled,
                    pause.compareTo(other.pause) > 0 ? pause : other.pause);
        }

        @Override
        public String toString() {
            return "%,d increments, %,d tries repeated, lost %d, double %d, longest time without an answer %.1f s"
                    .formatted(increments, repeats, lost, doubled, pause.toMillis() / 1000.0);
        }
    }

    private final Attempt attempt;
    private final String url = Cluster.url(Resource.newPath() + "-");
    private final Map<String, Queue<Long>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final AtomicInteger repeats = new AtomicInteger();
    private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());
    private final AtomicLong longestPause = new AtomicLong();

    private ExactlyOnce(Attempt attempt) {
        this.attempt = attempt;
    }

    /** Causes a fault under load, waits for {@link #INCREMENTS}, and asserts that each one was counted exactly once. */
    static void during(String what, Runnable fault) {
        Tally tally = tally(Http::postWithKey, INCREMENTS, fault);
        Load.measured(what, tally.toString());
        assertThat(tally.lost()).as("lost increments of " + tally).isZero();
        assertThat(tally.doubled()).as("increments counted twice of " + tally).isZero();
    }

    /** Like {@link #during}, but with given clients and without the assertions. */
    static Tally tally(Attempt attempt, int atLeast, Runnable fault) {
        ExactlyOnce run = new ExactlyOnce(attempt);
        Clients clients = new Clients(n -> run.increment(run.url + n % USERS));
        try {
            clients.await("first acknowledgement", PATIENCE, () -> run.acknowledged.get() > 0);
            fault.run();
            int then = run.acknowledged.get();
            clients.await(
                    atLeast + " increments, some of them after the fault",
                    PATIENCE,
                    () -> run.acknowledged.get() >= Math.max(atLeast, then + 100));
        } finally {
            clients.stop();
        }
        return run.answers.entrySet().stream()
                .map(user -> Tally.of(
                        List.copyOf(user.getValue()),
                        Long.parseLong(Http.untilAnswered(() -> Http.get(user.getKey())))))
                .reduce(new Tally(0, run.repeats.get(), 0, 0, Duration.ofNanos(run.longestPause.get())), Tally::plus);
    }

    private void increment(String user) {
        String key = UUID.randomUUID().toString();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                HttpResponse<String> answer = attempt.post(user, key);
                if (answer.statusCode() == 200) {
                    answers.computeIfAbsent(user, any -> new ConcurrentLinkedQueue<>())
                            .add(Long.parseLong(answer.body()));
                    acknowledged.incrementAndGet();
                    long now = System.nanoTime();
                    longestPause.accumulateAndGet(now - lastAnswer.getAndSet(now), Math::max);
                    return;
                }
            } catch (UncheckedIOException e) {
                // No answer: the request may have been counted. The key makes it safe to repeat.
            }
            repeats.incrementAndGet();
            LockSupport.parkNanos(BEFORE_NEXT_TRY.toNanos());
        }
        throw new AssertionError("Not acknowledged within " + PATIENCE + ": " + user);
    }
}
