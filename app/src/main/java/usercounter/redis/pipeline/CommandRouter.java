package usercounter.redis.pipeline;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisAskDataException;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisRedirectionException;
import redis.clients.jedis.params.SetParams;

/**
 * Sends each command to the node that has its key, through one {@link CommandPipeline} per node, and follows
 * redirections.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>A command has one deadline for all nodes that it is sent to. Its future completes at most one tick of
 *       {@link Deadlines} after the deadline, even if Redis, the network or other clients hang.
 *   <li>A command is sent to another node only if the first one has not run it: after MOVED, ASK and TRYAGAIN.
 *   <li>A redirected command is queued, never sent on the thread that received the reply.
 * </ul>
 */
public final class CommandRouter implements AutoCloseable {

    /**
     * Number of responses that may block at a time because clients do not read them. Each blocks until Liberty's write
     * time-out.
     */
    private static final int MAX_WRITERS = 256;

    /** After a fail-over, the new primary of a Redis Cluster is known within this time. */
    private static final Duration REFRESH = Duration.ofSeconds(1);

    /** The same number as in Jedis' client for Redis Cluster. */
    private static final int MAX_REDIRECTIONS = 5;

    /** Pause before the next try of a command whose keys are on two nodes while their slot moves. */
    private static final Duration TRY_AGAIN = Duration.ofMillis(20);

    private final RedisNodes nodes;
    private final Consumer<? super Connection> check;
    private final IntConsumer batches;
    private final int replicas;
    private final Duration timeout;
    private final Duration maxAge;
    private final Map<HostAndPort, CommandPipeline> pipelines = new ConcurrentHashMap<>();

    /** Complete futures, which sends the responses. Liberty's executor is closed while the application still stops. */
    private final ExecutorService writers = DaemonThreads.pool(MAX_WRITERS, "redis-answers");

    private final Deadlines deadlines = new Deadlines();

    private final ScheduledExecutorService refresher = DaemonThreads.timer("redis-nodes");

    /**
     * @param nodes the nodes, their keys and their connections
     * @param check runs before the first batch of each connection, and throws if the connection must not be used
     * @param batches gets the number of commands of each batch
     * @param replicas number of replicas that must have a write on disk before it succeeds
     * @param timeout maximum duration of a command
     * @param maxAge maximum age of a connection
     */
    public CommandRouter(
            RedisNodes nodes,
            Consumer<? super Connection> check,
            IntConsumer batches,
            int replicas,
            Duration timeout,
            Duration maxAge) {
        this.nodes = nodes;
        this.check = check;
        this.batches = batches;
        this.replicas = replicas;
        this.timeout = timeout;
        this.maxAge = maxAge;
        refresher.scheduleWithFixedDelay(nodes::refresh, 0, REFRESH.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Sends a read-only command to the node that has the key.
     *
     * @return the reply by the deadline; or fails with a {@link TimeoutException}, a {@link RejectedExecutionException} if
     *     too many commands wait, the {@link JedisException} of the command or its connection, or a
     *     {@link JedisClusterOperationException} if no node is known to have the key
     */
    public <T> CompletableFuture<T> read(
            String key, Function<? super Pipeline, Response<T>> command, CommandListener listener) {
        return send(key, RedisCommand.read(command, timeout, listener));
    }

    /** Sends a command whose effect must be durable. The result is like that of {@link #read}. */
    public <T> CompletableFuture<T> write(
            String key, Function<? super Pipeline, Response<T>> command, CommandListener listener) {
        return send(key, RedisCommand.write(command, timeout, listener));
    }

    /** Sends a read-only command to each primary. Each result is like that of {@link #read}. */
    private <T> Map<HostAndPort, CompletableFuture<T>> readAll(Function<? super Pipeline, Response<T>> command) {
        Map<HostAndPort, CompletableFuture<T>> answers = new HashMap<>();
        for (HostAndPort node : nodes.all()) {
            RedisCommand<T> read = RedisCommand.read(command, timeout, CommandListener.NONE);
            answers.put(
                    node,
                    deadlines
                            .watch(pipeline(node).enqueue(read), read.deadline())
                            .exceptionallyComposeAsync(CompletableFuture::failedFuture, writers));
        }
        return answers;
    }

    /**
     * Sends a write that changes nothing to every primary. A read would also succeed on a replica.
     *
     * @param key a key that the user may write, and that does not exist
     * @return succeeds if one primary accepts the write, or refuses it for a reason that does not affect reads, such as
     *     full memory; fails like {@link #read}
     */
    public CompletableFuture<Void> probe(String key) {
        CompletableFuture<Void> first = new CompletableFuture<>();
        CompletableFuture<?>[] all =
                readAll(pipeline -> pipeline.set(key, "", SetParams.setParams().xx())).values().stream()
                        .map(answer -> answer.handle((reply, failure) -> {
                            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                            if (cause == null || isServing(cause)) {
                                first.complete(null);
                            }
                            return cause;
                        }))
                        .toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(all)
                .thenRun(() -> first.completeExceptionally(
                        all.length > 0
                                ? (Throwable) all[0].join()
                                : nodes.unknown("No node of the Redis Cluster is known: none of REDIS_URL has slots")));
        return first;
    }

    private static boolean isServing(Throwable failure) {
        return failure instanceof JedisRedirectionException // another node has the key
                || failure instanceof JedisDataException reply
                        && ErrorCode.of(reply).isOfWritesOnly();
    }

    /** Whether every pipeline still sends commands. */
    public boolean isAlive() {
        return pipelines.values().stream().allMatch(CommandPipeline::isAlive);
    }

    /** The number of commands that wait for a batch. */
    public int waiting() {
        return pipelines.values().stream().mapToInt(CommandPipeline::waiting).sum();
    }

    private <T> CompletableFuture<T> send(String key, RedisCommand<T> command) {
        return nodes.nodeOf(key)
                .map(node -> follow(pipeline(node).submit(command), node, key, command, 0))
                .orElseGet(() -> CompletableFuture.failedFuture(
                        nodes.unknown("No node of the Redis Cluster is known to have the slot of the key")));
    }

    /** A reply reaches the caller on the thread that received it, a failure on a thread of {@link #writers}. */
    private <T> CompletableFuture<T> follow(
            CompletableFuture<T> answer, HostAndPort node, String key, RedisCommand<T> command, int redirections) {
        return deadlines
                .watch(answer, command.deadline())
                .exceptionallyComposeAsync(failure -> next(failure, node, key, command, redirections), writers);
    }

    /**
     * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redirection-and-resharding">
     *     Redirection and resharding</a>
     */
    private <T> CompletableFuture<T> next(
            Throwable failure, HostAndPort node, String key, RedisCommand<T> command, int redirections) {
        if (failure instanceof JedisRedirectionException redirection && redirections < MAX_REDIRECTIONS) {
            RedisCommand<T> redirected = failure instanceof JedisAskDataException ? command.asking() : command;
            HostAndPort target = RedisNodes.withHost(redirection.getTargetNode(), node);
            return follow(pipeline(target).enqueue(redirected), target, key, command, redirections + 1);
        }
        // The last try has time for its reply, so that the caller gets the reason, not a time-out.
        if (failure instanceof JedisDataException reply
                && ErrorCode.of(reply) == ErrorCode.TRYAGAIN
                && command.nanosLeft() > 2 * TRY_AGAIN.toNanos()) {
            return CompletableFuture.supplyAsync(
                            () -> send(key, command),
                            CompletableFuture.delayedExecutor(TRY_AGAIN.toNanos(), TimeUnit.NANOSECONDS, writers))
                    .thenCompose(Function.identity());
        }
        return CompletableFuture.failedFuture(failure);
    }

    private CommandPipeline pipeline(HostAndPort node) {
        CommandPipeline pipeline = pipelines.get(node);
        if (pipeline == null) {
            closeUnused();
            pipeline = pipelines.computeIfAbsent(
                    node,
                    key -> new CommandPipeline(
                            () -> nodes.connect(key), check, maxAge, replicas, timeout, deadlines, writers, batches));
        }
        return pipeline;
    }

    /** A cluster node that returns with another address leaves an unused pipeline behind. */
    private void closeUnused() {
        Collection<HostAndPort> current = nodes.all();
        pipelines.forEach((node, pipeline) -> {
            if (!current.contains(node) && pipelines.remove(node, pipeline)) {
                writers.execute(pipeline::close);
            }
        });
    }

    /** Completes every command before it closes the connections. */
    @Override
    public void close() {
        refresher.shutdown(); // no interrupt, which could hit the loading of a class
        pipelines.values().forEach(CommandPipeline::close);
        writers.shutdown();
        try {
            writers.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        deadlines.close();
        nodes.close();
    }
}
