package usercounter;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Supplier;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.KeyValue;

/**
 * Gathers the commands of concurrent requests to one Redis node into one Redis pipeline at a time, as a database groups
 * commits: while one batch is on its way the next gathers, so one round trip and one fsync serve many requests, and no
 * thread waits per request. A lone command leaves at once, on the thread that submits it.
 *
 * <p>What holds:
 *
 * <ul>
 *   <li>Commands are sent in the order of submission, each at most once: a batch whose connection fails is never
 *       sent again, since Redis may have run it. Its commands fail.
 *   <li>A write succeeds only when it is on as many replicas' disks as asked for, else it fails with
 *       {@code NOREPLICAS}.
 *   <li>Every future completes within the time-out (and one {@link #TICK}), whatever Redis or the network do. A command
 *       that is past its time-out is not sent any more.
 *   <li>At most {@link #MAX_WAITING} commands wait; a further one fails at once.
 *   <li>Whoever completes futures has let the next batch go before, so that no slow reader of an answer holds it up.
 *   <li>{@link #close} sends what waits and completes every future.
 * </ul>
 *
 * @see <a href="https://redis.io/docs/latest/commands/waitaof/">WAITAOF</a>
 */
final class CommandPipeline implements AutoCloseable {

    /** Bounds the memory that waiting requests take while Redis is away. */
    static final int MAX_WAITING = 10_000;

    /** Bounds what one batch buffers, in Redis and here. */
    private static final int MAX_BATCH = 1_000;

    /** How often time-outs are looked for. */
    static final Duration TICK = Duration.ofMillis(50);

    private final Supplier<Connection> connections;
    private final int replicas;
    private final long timeoutNanos;
    private final Executor executor;
    private final BlockingQueue<Call<?>> waiting = new LinkedBlockingQueue<>(MAX_WAITING);
    private final Thread sender = new Thread(this::sendBatches, "redis-pipeline");
    private final Thread watch = new Thread(this::watchTimeouts, "redis-timeouts");

    /** Whether a batch is on its way; who sets it may send the next. */
    private final AtomicBoolean busy = new AtomicBoolean();

    private volatile boolean healthy = true;
    private volatile List<Call<?>> sent = List.of();
    private volatile boolean closed;

    /**
     * @param connections gives a connection to the node, which is closed after each batch
     * @param replicas on how many replicas' disks a write has to be
     * @param timeout how long a command may take from its submission on
     * @param executor completes the futures of batches that no submitter sent
     */
    CommandPipeline(Supplier<Connection> connections, int replicas, Duration timeout, Executor executor) {
        this.connections = connections;
        this.replicas = replicas;
        this.timeoutNanos = timeout.toNanos();
        this.executor = executor;
        for (Thread thread : List.of(sender, watch)) {
            thread.setDaemon(true);
            thread.start();
        }
    }

    /**
     * Sends a command that changes nothing.
     *
     * @return what Redis answers; or fails with a {@link TimeoutException}, a {@link RejectedExecutionException} if too
     *     many wait or this is closed, or the {@link redis.clients.jedis.exceptions.JedisException} of the command or
     *     the connection
     */
    <T> CompletableFuture<T> read(Function<? super Pipeline, Response<T>> command) {
        return submit(command, false);
    }

    /** Sends a command whose effect has to be durable; the result is as that of {@link #read}. */
    <T> CompletableFuture<T> write(Function<? super Pipeline, Response<T>> command) {
        return submit(command, true);
    }

    private <T> CompletableFuture<T> submit(Function<? super Pipeline, Response<T>> command, boolean write) {
        Call<T> call = new Call<>(command, write, System.nanoTime() + timeoutNanos);
        if (closed || !waiting.offer(call)) {
            call.future.completeExceptionally(new RejectedExecutionException());
        } else if (closed && !sender.isAlive()) {
            failWaiting(); // close() came between the two lines above
        } else if (!healthy) {
            LockSupport.unpark(sender); // a request's thread is not to wait for a Redis that may be away
        } else if (busy.compareAndSet(false, true)) {
            Batch batch = sendBatch();
            release();
            batch.complete();
        }
        return call.future;
    }

    private void sendBatches() {
        while (!closed || !waiting.isEmpty() || busy.get()) {
            if (!waiting.isEmpty() && busy.compareAndSet(false, true)) {
                Batch batch = sendBatch();
                release();
                executor.execute(batch::complete);
            } else {
                LockSupport.parkNanos(this, TICK.toNanos());
            }
        }
    }

    /** What was submitted since the batch was taken found {@link #busy} set, so it is looked for after that is unset. */
    private void release() {
        busy.set(false);
        if (!waiting.isEmpty()) {
            LockSupport.unpark(sender);
        }
    }

    private Batch sendBatch() {
        List<Call<?>> calls = new ArrayList<>();
        waiting.drainTo(calls, MAX_BATCH);
        if (calls.isEmpty()) {
            return new Batch(calls, null, null); // an earlier batch took the call
        }
        sent = calls;
        RuntimeException failure = null;
        RuntimeException notDurable = null;
        try {
            Connection connection = connections.get();
            try {
                notDurable = send(calls, new Pipeline(connection));
                connection.close();
            } catch (RuntimeException e) {
                // For a broken connection its pool opens another at once, which may take as long again.
                executor.execute(() -> discard(connection));
                throw e;
            }
        } catch (RuntimeException e) {
            failure = e;
        }
        sent = List.of();
        healthy = failure == null;
        return new Batch(calls, failure, notDurable);
    }

    private static void discard(Connection connection) {
        try {
            connection.close();
        } catch (JedisException e) {
            // There is no other one to open now; the next batch, which needs one, says so.
        }
    }

    /** @return why what was written is not durable, or null if it is */
    private RuntimeException send(List<Call<?>> calls, Pipeline pipeline) {
        long now = System.nanoTime();
        boolean write = false;
        for (Call<?> call : calls) {
            if (!call.isLate(now)) {
                call.send(pipeline);
                write |= call.write;
            }
        }
        if (write && replicas > 0) {
            return awaitReplicas(pipeline);
        }
        pipeline.sync();
        return null;
    }

    private RuntimeException awaitReplicas(Pipeline pipeline) {
        // For half of the time in all, so that the answer to what was only read comes in time, too.
        long timeout = Duration.ofNanos(timeoutNanos / 4).toMillis();
        // A replica that is asked about its disk together with the write answers before it has synced it, and again a
        // second later only. So it is asked when it is known to have the write.
        pipeline.waitReplicas(replicas, timeout);
        Response<KeyValue<Long, Long>> synced = pipeline.waitAOF(1, replicas, timeout);
        pipeline.sync();
        try {
            // The node's own disk, too: after a resynchronisation it may be behind its replica's.
            boolean durable = synced.get().getKey() >= 1 && synced.get().getValue() >= replicas;
            return durable ? null : new JedisDataException("NOREPLICAS on too few disks: " + synced.get());
        } catch (JedisDataException e) { // the error reply of a Redis that has no append-only file, say
            return e;
        }
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
        LockSupport.unpark(sender);
        try {
            sender.join(Duration.ofNanos(timeoutNanos).toMillis() * 2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        failWaiting();
    }

    /**
     * What was sent together.
     *
     * @param failure the connection's, or null
     * @param notDurable why its writes may get lost, or null
     */
    private record Batch(List<Call<?>> calls, RuntimeException failure, RuntimeException notDurable) {

        void complete() {
            calls.forEach(call -> call.complete(failure, notDurable));
        }
    }

    private static final class Call<T> {
        private final Function<? super Pipeline, Response<T>> command;
        private final boolean write;
        private final long deadline;
        private final CompletableFuture<T> future = new CompletableFuture<>();
        private Response<T> response;

        Call(Function<? super Pipeline, Response<T>> command, boolean write, long deadline) {
            this.command = command;
            this.write = write;
            this.deadline = deadline;
        }

        boolean isLate(long now) {
            return now - deadline > 0;
        }

        void send(Pipeline pipeline) {
            response = command.apply(pipeline);
        }

        void complete(RuntimeException failure, RuntimeException notDurable) {
            if (failure != null) {
                future.completeExceptionally(failure);
            } else if (response == null) {
                timeOut(); // it was not sent
            } else {
                try {
                    T answer = response.get();
                    if (write && notDurable != null) {
                        future.completeExceptionally(notDurable);
                    } else {
                        future.complete(answer);
                    }
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
