package usercounter.redis.pipeline;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Fails futures that are not complete by their deadline. All futures are checked once per {@link #TICK}.
 * {@link CompletableFuture#orTimeout} would wake up its timer thread for each request that comes alone. That takes
 * 20 µs of CPU, more than the rest of this package takes for a request.
 */
final class Deadlines implements AutoCloseable {

    /** Maximum delay between a deadline and the failure of its future. */
    static final Duration TICK = Duration.ofMillis(50);

    private record Pending(CompletableFuture<?> future, long deadline) {}

    private final Queue<Pending> pending = new ConcurrentLinkedQueue<>();

    private final ScheduledExecutorService timer = DaemonThreads.timer("redis-deadlines");

    Deadlines() {
        timer.scheduleWithFixedDelay(this::check, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * @param future fails with a {@link TimeoutException} unless it completes before. Its dependent stages must run on
     *     another thread, since one thread checks all futures.
     * @param deadline in terms of {@link System#nanoTime}
     * @return the future
     */
    <T> CompletableFuture<T> watch(CompletableFuture<T> future, long deadline) {
        pending.add(new Pending(future, deadline));
        return future;
    }

    private void check() {
        long now = System.nanoTime();
        pending.removeIf(each -> each.future().isDone()
                || now - each.deadline() > 0
                        && each.future().completeExceptionally(new TimeoutException("no reply within REDIS_TIMEOUT")));
    }

    @Override
    public void close() {
        timer.shutdown(); // no interrupt, which could hit the loading of a class
    }
}
