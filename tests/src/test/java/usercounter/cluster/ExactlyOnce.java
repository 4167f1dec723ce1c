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
 * Clients that give each POST an idempotency key, repeat it until it is acknowledged, and record every answer. Whatever
 * fails meanwhile: in the end a user's answers are 1 to N, each once, and the number is N.
 */
final class ExactlyOnce {

    /** That are acknowledged at least, for each fault; {@code -Dincrements=…} for a longer run. */
    private static final int INCREMENTS = Integer.getInteger("increments", 2_000);

    private static final int USERS = 20;
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Duration BEFORE_NEXT_TRY = Duration.ofMillis(50);

    /** One try of a POST. */
    interface Attempt {
        /** @throws UncheckedIOException if there is no answer */
        HttpResponse<String> post(String url, String key);
    }

    /**
     * What was found.
     *
     * @param increments how many requests were acknowledged
     * @param repeats how many tries came to nothing and were repeated
     * @param lost acknowledged increments that are not in the number any more
     * @param doubled increments that were counted, but not asked for
     * @param pause the longest time in which nothing was acknowledged
     */
    record Tally(long increments, long repeats, long lost, long doubled, Duration pause) {

        /**
         * @param answers all the answers to one user, in any order
         * @param number the user's number in the end
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
    private final String url = Cluster.url("/users/exactly-" + UUID.randomUUID() + "-");
    private final Map<String, Queue<Long>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger acknowledged = new AtomicInteger();
    private final AtomicInteger repeats = new AtomicInteger();
    private final AtomicLong lastAnswer = new AtomicLong(System.nanoTime());
    private final AtomicLong longestPause = new AtomicLong();

    private ExactlyOnce(Attempt attempt) {
        this.attempt = attempt;
    }

    /** Breaks something under load, waits for {@link #INCREMENTS}, and wants every one exactly once. */
    static void during(String what, Runnable fault) {
        Tally tally = tally(Http::postWithKey, INCREMENTS, fault);
        Load.measured(what, tally.toString());
        assertThat(tally.lost()).as("lost: " + tally).isZero();
        assertThat(tally.doubled()).as("double: " + tally).isZero();
    }

    /** The same with clients of one's own, and without a judgement. */
    static Tally tally(Attempt attempt, int atLeast, Runnable fault) {
        ExactlyOnce run = new ExactlyOnce(attempt);
        Clients clients = new Clients(n -> run.increment(run.url + n % USERS));
        try {
            Cluster.await("a first answer", PATIENCE, () -> run.acknowledged.get() > 0);
            fault.run();
            int then = run.acknowledged.get();
            Cluster.await(
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
                // No answer: it may have counted or not, and the key makes that the same.
            }
            repeats.incrementAndGet();
            LockSupport.parkNanos(BEFORE_NEXT_TRY.toNanos());
        }
        throw new AssertionError("Not acknowledged within " + PATIENCE + ": " + user);
    }
}
