package usercounter.redis.pipeline;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Fails futures that are not complete by their deadline. All futures are checked once per {@link #TICK}, while there are any.
 * {@link CompletableFuture#orTimeout} would wake up its timer thread for each request that comes alone. That takes
 * 20 µs of CPU, more than the rest of this package takes for a request.
 */
final class Deadlines implements AutoCloseable {

    /** Maximum delay between a deadline and the failure of its future. */
    static final Duration TICK = Duration.ofMillis(50);

    private record Pending(CompletableFuture<?> future, long deadline) {}

    private final Queue<Pending> pending = new ConcurrentLinkedQueue<>();

    private final ScheduledExecutorService timer = DaemonThreads.timer("redis-deadlines");

    /** Whether the next check is scheduled. */
    private final AtomicBoolean ticking = new AtomicBoolean();

    /**
     * @param future fails with a {@link TimeoutException} unless it completes before. Its dependent stages must run on
     *     another thread, since one thread checks all futures.
     * @param deadline in terms of {@link System#nanoTime}
     * @return the future
     */
    <T> CompletableFuture<T> watch(CompletableFuture<T> future, long deadline) {
        if (!future.isDone()) { // a command that comes alone is complete by now
            pending.add(new Pending(future, deadline));
            tick();
        }
        return future;
    }

    private void tick() {
        if (!ticking.get() && ticking.compareAndSet(false, true)) {
            timer.schedule(this::check, TICK.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void check() {
        ticking.set(false); // first, since a future that is added from now on may be too late for this check
        long now = System.nanoTime();
        pending.removeIf(each -> each.future().isDone()
                || now - each.deadline() > 0
                        && each.future().completeExceptionally(new TimeoutException("no reply within REDIS_TIMEOUT")));
        if (!pending.isEmpty()) {
            tick();
        }
    }

    @Override
    public void close() {
        timer.shutdown(); // no interrupt, which could hit the loading of a class
    }
}
