package usercounter;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;

/**
 * Gathers the commands of concurrent requests into one Redis pipeline at a time, as a database groups commits: while
 * one batch is on its way the next gathers, so one round trip and one fsync serve many requests, no thread waits per
 * request, and a lone command leaves at once.
 *
 * <p>What holds:
 *
 * <ul>
 *   <li>Commands are sent in the order of {@link #submit}, each at most once: a batch whose connection fails is never
 *       sent again, since Redis may have run it. Its commands fail.
 *   <li>Every future completes within the time-out (and one {@link #TICK}), whatever Redis or the network do. A command
 *       that is past its time-out is not sent any more.
 *   <li>At most {@link #MAX_WAITING} commands wait; a further one fails at once.
 *   <li>Futures complete on the executor, so that no slow reader of an answer holds up the pipeline.
 *   <li>{@link #close} sends what waits and completes every future.
 * </ul>
 */
final class CommandPipeline implements AutoCloseable {

    /** Bounds the memory that waiting requests take while Redis is away. */
    static final int MAX_WAITING = 10_000;

    /** Bounds what one batch buffers, in Redis and here. */
    private static final int MAX_BATCH = 1_000;

    /** How often time-outs are looked for. */
    static final Duration TICK = Duration.ofMillis(50);

    private final UnifiedJedis redis;
    private final long timeoutNanos;
    private final Executor executor;
    private final BlockingQueue<Call<?>> waiting = new LinkedBlockingQueue<>(MAX_WAITING);
    private final Thread sender = new Thread(this::sendBatches, "redis-pipeline");
    private final Thread watch = new Thread(this::watchTimeouts, "redis-timeouts");
    private volatile List<Call<?>> sent = List.of();
    private volatile boolean closed;

    /**
     * @param redis the client, which stays its owner's to close
     * @param timeout how long a command may take from {@link #submit} on
     * @param executor completes the futures
     */
    CommandPipeline(UnifiedJedis redis, Duration timeout, Executor executor) {
        this.redis = redis;
        this.timeoutNanos = timeout.toNanos();
        this.executor = executor;
        for (Thread thread : List.of(sender, watch)) {
            thread.setDaemon(true);
            thread.start();
        }
    }

    /**
     * Sends a command with the next batch.
     *
     * @return what Redis answers; or fails with a {@link TimeoutException}, a {@link RejectedExecutionException} if too
     *     many wait or this is closed, or the {@link redis.clients.jedis.exceptions.JedisException} of the command or
     *     the connection
     */
    <T> CompletableFuture<T> submit(Function<AbstractPipeline, Response<T>> command) {
        Call<T> call = new Call<>(command, System.nanoTime() + timeoutNanos);
        if (closed || !waiting.offer(call)) {
            call.future.completeExceptionally(new RejectedExecutionException());
        } else if (closed && !sender.isAlive()) {
            failWaiting(); // close() came between the two lines above
        }
        return call.future;
    }

    private void sendBatches() {
        List<Call<?>> batch = new ArrayList<>();
        while (!closed || !waiting.isEmpty()) {
            try {
                Call<?> first = waiting.poll(TICK.toMillis(), TimeUnit.MILLISECONDS);
                if (first != null) {
                    batch.add(first);
                    waiting.drainTo(batch, MAX_BATCH - 1);
                    send(List.copyOf(batch));
                    batch.clear();
                }
            } catch (InterruptedException e) {
                return; // nobody interrupts this thread
            }
        }
    }

    private void send(List<Call<?>> batch) {
        sent = batch;
        RuntimeException failure = null;
        try (AbstractPipeline pipeline = redis.pipelined()) {
            long now = System.nanoTime();
            for (Call<?> call : batch) {
                if (!call.isLate(now)) {
                    call.send(pipeline);
                }
            }
            pipeline.sync();
        } catch (RuntimeException e) {
            failure = e;
        }
        sent = List.of();
        RuntimeException outcome = failure;
        executor.execute(() -> batch.forEach(call -> call.complete(outcome)));
    }

    private void watchTimeouts() {
        while (sender.isAlive()) {
            try {
                Thread.sleep(TICK.toMillis());
            } catch (InterruptedException e) {
                return; // nobody interrupts this thread
            }
            long now = System.nanoTime();
            List<Call<?>> late = new ArrayList<>();
            for (Call<?> call = waiting.peek(); call != null && call.isLate(now); call = waiting.peek()) {
                if (waiting.remove(call)) {
                    late.add(call);
                }
            }
            for (Call<?> call : sent) {
                if (call.isLate(now)) {
                    late.add(call);
                }
            }
            if (!late.isEmpty()) {
                executor.execute(() -> late.forEach(Call::timeOut));
            }
        }
    }

    private void failWaiting() {
        for (Call<?> call = waiting.poll(); call != null; call = waiting.poll()) {
            call.future.completeExceptionally(new RejectedExecutionException());
        }
    }

    /** Sends what waits, and returns when every future is completed or about to be. */
    @Override
    public void close() {
        closed = true;
        try {
            sender.join(TimeUnit.NANOSECONDS.toMillis(timeoutNanos) * 2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        failWaiting();
    }

    private static final class Call<T> {
        private final Function<AbstractPipeline, Response<T>> command;
        private final long deadline;
        private final CompletableFuture<T> future = new CompletableFuture<>();
        private Response<T> response;

        Call(Function<AbstractPipeline, Response<T>> command, long deadline) {
            this.command = command;
            this.deadline = deadline;
        }

        boolean isLate(long now) {
            return now - deadline > 0;
        }

        void send(AbstractPipeline pipeline) {
            response = command.apply(pipeline);
        }

        void complete(RuntimeException failure) {
            if (response == null && failure == null) {
                timeOut();
            } else if (failure != null) {
                future.completeExceptionally(failure);
            } else {
                try {
                    future.complete(response.get());
                } catch (RuntimeException e) { // this command's own error reply
                    future.completeExceptionally(e);
                }
            }
        }

        void timeOut() {
            future.completeExceptionally(new TimeoutException());
        }
    }
}
