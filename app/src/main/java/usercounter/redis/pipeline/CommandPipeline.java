package usercounter.redis.pipeline;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.KeyValue;

/**
 * Gathers the commands of concurrent requests to one Redis node into batches, like the group commit of a database.
 * While one batch is in flight, the next one gathers. So one round trip and one fsync serve many requests, and requests
 * need no waiting thread each. A single command is sent at once, on the thread that submits it.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>Commands are sent in the order of submission, each at most once. A batch whose connection fails is never sent
 *       again, since Redis may have run it. The commands of that batch fail.
 *   <li>A command past its deadline is not sent. The caller of {@link #submit} fails futures that are late; this
 *       class does not.
 *   <li>A write succeeds only when it is on the disks of the node and of the required number of replicas. Otherwise it
 *       fails with {@code NOREPLICAS}.
 *   <li>The connection is closed if a batch takes longer than the time-out plus one tick.
 *   <li>A connection is closed, not reused, after a failure, after a reply that means "not this node, or not now", and
 *       when it reaches its maximum age. So no command gets the reply to another command, and a fail-over behind a name
 *       or an address is noticed.
 *   <li>At most {@link #MAX_WAITING} commands wait. A further command fails at once.
 *   <li>The next batch may be sent before the futures of the last one complete. The thread of this class completes no
 *       futures, so a client that reads its response slowly does not delay other commands.
 *   <li>An exception or error during the sending of a batch fails only that batch.
 *   <li>{@link #close} sends the waiting commands and completes every future.
 * </ul>
 *
 * @see <a href="https://redis.io/docs/latest/commands/waitaof/">WAITAOF</a>
 */
final class CommandPipeline implements AutoCloseable {

    /** Limits the memory of waiting requests during an outage of Redis. */
    static final int MAX_WAITING = 10_000;

    /** Limits the buffers of one batch, in Redis and here. */
    private static final int MAX_BATCH = 1_000;

    private static final String CLOSED = "The connection to Redis is closed, since the service stops";

    private final Supplier<Connection> connections;
    private final Consumer<? super Connection> check;
    private final Duration maxAge;
    private final int replicas;
    private final Duration timeout;
    private final Deadlines deadlines;
    private final Executor executor;
    private final IntConsumer batches;
    private final BlockingQueue<Call<?>> waiting = new LinkedBlockingQueue<>(MAX_WAITING);
    private final Thread sender = new Thread(this::sendBatches, "redis-pipeline");

    /** Whether a batch is in flight. The thread that sets it sends the next batch, and may use the field below. */
    private final AtomicBoolean busy = new AtomicBoolean();

    /**
     * The time of the first batch of each connection. There may be several connections: the pool opens another one while
     * it checks an idle one.
     */
    private final Map<Connection, Long> firstUsed = new WeakHashMap<>();

    private volatile boolean healthy = true;
    private volatile boolean closed;

    /**
     * @param connections provides connections to the node; each one is closed (returned to its pool) after one batch
     * @param check runs before the first batch of each connection. If it throws, the batch fails, and the connection is closed
     * @param maxAge maximum age of a connection
     * @param replicas number of replicas that must have a write on disk before it succeeds
     * @param timeout maximum duration of a batch
     * @param deadlines enforces {@code timeout}
     * @param executor completes the futures of batches that this class's thread has sent
     * @param batches gets the number of commands of each batch
     */
    CommandPipeline(
            Supplier<Connection> connections,
            Consumer<? super Connection> check,
            Duration maxAge,
            int replicas,
            Duration timeout,
            Deadlines deadlines,
            Executor executor,
            IntConsumer batches) {
        this.connections = connections;
        this.check = check;
        this.maxAge = maxAge;
        this.replicas = replicas;
        this.timeout = timeout;
        this.deadlines = deadlines;
        this.executor = executor;
        this.batches = batches;
        sender.setDaemon(true);
        sender.start();
    }

    /**
     * Sends a command, on this thread if no batch is in flight.
     *
     * @return the reply of Redis; or fails with a {@link RejectedExecutionException} if too many commands wait or this
     *     pipeline is closed, with a {@link TimeoutException} if the deadline passed before the command could be sent,
     *     or with the {@link JedisException} of the command or the connection
     */
    <T> CompletableFuture<T> submit(RedisCommand<T> command) {
        Call<T> call = new Call<>(command);
        if (offer(call)) {
            if (!healthy) {
                LockSupport.unpark(sender); // a request's thread must not wait for a Redis that may be unavailable
            } else if (busy.compareAndSet(false, true)) {
                complete(sendBatch());
            }
        }
        return call.future;
    }

    /** Like {@link #submit}, but never sends on this thread. */
    <T> CompletableFuture<T> enqueue(RedisCommand<T> command) {
        Call<T> call = new Call<>(command);
        if (offer(call)) {
            LockSupport.unpark(sender);
        }
        return call.future;
    }

    private boolean offer(Call<?> call) {
        if (closed || !waiting.offer(call)) {
            call.reject(closed ? CLOSED : MAX_WAITING + " commands already wait for this node, the maximum");
            return false;
        }
        if (closed && !sender.isAlive()) { // close() ran between the check of closed and the offer
            rejectWaiting();
            return false;
        }
        return true;
    }

    /** Whether this pipeline still sends commands. */
    boolean isAlive() {
        return closed || sender.isAlive();
    }

    /** The number of commands that no batch has yet. */
    int waiting() {
        return waiting.size();
    }

    private void sendBatches() {
        while (!closed || !waiting.isEmpty() || busy.get()) {
            if (!waiting.isEmpty() && busy.compareAndSet(false, true)) {
                List<Call<?>> batch = sendBatch();
                executor.execute(() -> complete(batch));
            } else {
                LockSupport.park(this); // until somebody leaves commands to this thread, or close()
            }
        }
    }

    private static void complete(List<Call<?>> batch) {
        batch.forEach(Call::complete);
    }

    /** Sends one batch and waits for its replies. */
    private List<Call<?>> sendBatch() {
        List<Call<?>> batch = new ArrayList<>();
        try {
            waiting.drainTo(batch, MAX_BATCH);
            List<Call<?>> inTime = batch.stream().filter(Call::isInTime).toList();
            if (!inTime.isEmpty()) {
                exchange(inTime);
                healthy = true;
            }
        } catch (Throwable e) { // including Errors: they must not keep the next batch from being sent
            healthy = false;
            batch.forEach(call -> call.failure = e);
        } finally {
            busy.set(false);
            // Nobody sends the commands that were submitted while this pipeline was busy. After close(), the sender
            // waits
            // for the end of this batch.
            if (!waiting.isEmpty() || closed) {
                LockSupport.unpark(sender);
            }
        }
        return batch;
    }

    private void exchange(List<Call<?>> calls) {
        Connection connection = connections.get();
        batches.accept(calls.size());
        // The time-out of the socket restarts with each read, so it never fires if bytes arrive one by one.
        CompletableFuture<Void> exchanged =
                deadlines.watch(new CompletableFuture<>(), System.nanoTime() + timeout.toNanos());
        // Not exceptionallyAsync, which takes a thread of the executor for each batch that is in time, too.
        exchanged.whenComplete((none, late) -> {
            if (late != null) {
                executor.execute(() -> disconnect(connection));
            }
        });
        boolean reusable = false;
        try {
            if (!firstUsed.containsKey(connection)) {
                check.accept(connection);
                firstUsed.put(connection, System.nanoTime());
            }
            exchange(calls, connection, exchanged);
            reusable = calls.stream().noneMatch(Call::foundWrongNode) && !isOld(connection);
        } catch (JedisConnectionException e) {
            // After the time-out, the reason is not that this class has closed the connection.
            throw exchanged.isCompletedExceptionally()
                    ? new JedisConnectionException(new SocketTimeoutException("no reply within REDIS_TIMEOUT"))
                    : e;
        } finally {
            if (!exchanged.complete(null) || !reusable) {
                connection.setBroken();
                // Closing a connection may also take time.
                executor.execute(() -> giveBack(connection));
            } else {
                giveBack(connection);
            }
        }
    }

    private void exchange(List<Call<?>> calls, Connection connection, CompletableFuture<Void> exchanged) {
        Pipeline pipeline = new Pipeline(connection);
        boolean write = false;
        for (Call<?> call : calls) {
            requireOpen(exchanged);
            call.command.listener().sent(calls.size());
            call.send(pipeline);
            write |= call.command.write();
        }
        requireOpen(exchanged);
        RuntimeException notDurable = null;
        if (write && replicas > 0) {
            notDurable = awaitReplicas(pipeline);
        } else {
            pipeline.sync();
        }
        for (Call<?> call : calls) {
            call.takeReply(notDurable);
        }
    }

    /** Jedis would reopen a closed connection, without its password and database. */
    private static void requireOpen(CompletableFuture<Void> exchanged) {
        if (exchanged.isDone()) {
            throw new JedisConnectionException("The batch could not be sent within the time-out");
        }
    }

    /** @return the reason why the writes are not durable, or null if they are durable */
    private RuntimeException awaitReplicas(Pipeline pipeline) {
        // Both waits together take at most half of the time-out, so that replies to reads of this batch are in time.
        long wait = timeout.dividedBy(4).toMillis();
        // WAIT comes first, until the replica has the write. A replica that gets the write and the request of WAITAOF
        // together answers before the write is on its disk, and reports again only a second later.
        pipeline.waitReplicas(replicas, wait);
        Response<KeyValue<Long, Long>> synced = pipeline.waitAOF(1, replicas, wait);
        pipeline.sync();
        try {
            // The node's own disk also counts: after a resynchronisation it may be behind its replica's disk.
            boolean durable = synced.get().getKey() >= 1 && synced.get().getValue() >= replicas;
            return durable
                    ? null
                    : new JedisDataException(
                            "NOREPLICAS the write is on the disks of %d primaries and %d replicas, not of 1 and %d as REDIS_REPLICAS requires"
                                    .formatted(
                                            synced.get().getKey(), synced.get().getValue(), replicas));
        } catch (JedisDataException e) { // for example, the error reply of a Redis without append-only file
            return e;
        }
    }

    private boolean isOld(Connection connection) {
        return System.nanoTime() - firstUsed.get(connection) > maxAge.toNanos();
    }

    private static void disconnect(Connection connection) {
        try {
            connection.forceDisconnect();
        } catch (IOException e) {
            // The connection is closed nevertheless.
        }
    }

    private static void giveBack(Connection connection) {
        try {
            connection.close();
        } catch (JedisException e) {
            // The pool could not open another connection. The next batch needs a connection and reports the failure.
        }
    }

    private void rejectWaiting() {
        for (Call<?> call = waiting.poll(); call != null; call = waiting.poll()) {
            call.reject(CLOSED);
        }
    }

    /** Sends the waiting commands. Returns when every future is completed or will complete at once. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(sender);
        try {
            sender.join(timeout.multipliedBy(2).toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        rejectWaiting();
    }

    /** A command, and later its reply or failure. */
    private static final class Call<T> {
        private final RedisCommand<T> command;
        private final CompletableFuture<T> future = new CompletableFuture<>();
        private Response<T> response;
        private T reply;
        private Throwable failure;

        Call(RedisCommand<T> command) {
            this.command = command;
        }

        boolean isInTime() {
            return command.nanosLeft() > 0;
        }

        void send(Pipeline pipeline) {
            response = command.function().apply(pipeline);
        }

        void takeReply(RuntimeException notDurable) {
            try {
                reply = response.get();
                failure = command.write() ? notDurable : null;
            } catch (JedisDataException e) { // the error reply to this command
                failure = e;
            }
            command.listener().replied();
        }

        boolean foundWrongNode() {
            return failure instanceof JedisDataException reply
                    && ErrorCode.of(reply).isOfTheNode();
        }

        void reject(String reason) {
            future.completeExceptionally(new RejectedExecutionException(reason));
        }

        void complete() {
            if (failure != null) {
                future.completeExceptionally(failure);
            } else if (response == null) {
                future.completeExceptionally(
                        new TimeoutException("The deadline passed before the command could be sent"));
            } else {
                future.complete(reply);
            }
        }
    }
}
