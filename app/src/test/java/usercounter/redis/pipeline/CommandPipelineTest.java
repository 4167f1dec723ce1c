package usercounter.redis.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.dev.RedisServer;
import usercounter.testkit.InstalledRedis;
import usercounter.testkit.TcpProxy;
import usercounter.testkit.Waiting;

/** The invariants of {@link CommandPipeline}, with a real Redis. */
class CommandPipelineTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration NEVER_OLD = Duration.ofHours(1);

    @TempDir
    Path folder;

    private final Deadlines deadlines = new Deadlines();
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private RedisServer server;
    private RedisClient redis;
    private CommandPipeline pipeline;

    @BeforeEach
    void open() throws IOException {
        server = RedisServer.start(folder, RedisServer.freePort());
        redis = client(server.port());
        pipeline = pipeline(TIMEOUT, NEVER_OLD);
    }

    /** A client whose socket time-out is longer than the time-outs under test. */
    private static RedisClient client(int port) {
        return RedisClient.builder()
                .hostAndPort("127.0.0.1", port)
                .clientConfig(DefaultJedisClientConfig.builder()
                        .socketTimeoutMillis((int) PATIENCE.toMillis())
                        .build())
                .build();
    }

    @AfterEach
    void close() {
        pipeline.close();
        redis.close();
        server.close();
        executor.shutdown();
        deadlines.close();
    }

    private CommandPipeline pipeline(
            Supplier<Connection> connections, Duration maxAge, int replicas, Duration timeout) {
        return new CommandPipeline(
                connections, connection -> {}, maxAge, replicas, timeout, deadlines, executor, commands -> {});
    }

    private static <T> RedisCommand<T> reading(Function<Pipeline, Response<T>> function) {
        return RedisCommand.read(function, PATIENCE, CommandListener.NONE);
    }

    private static <T> RedisCommand<T> writing(Function<Pipeline, Response<T>> function) {
        return RedisCommand.write(function, PATIENCE, CommandListener.NONE);
    }

    private CommandPipeline pipeline(Duration timeout, Duration maxAge) {
        return pipeline(() -> redis.getPool().getResource(), maxAge, 0, timeout);
    }

    @Test
    void aSingleCommandIsSentByTheSubmittingThread() throws Exception {
        awaitSender(Thread.currentThread());
    }

    /** The thread of the pipeline may have been awake and have sent some of the commands. */
    private void awaitSender(Thread expected) throws Exception {
        AtomicReference<Thread> sender = new AtomicReference<>();
        for (int i = 0; i < 1_000 && sender.get() != expected; i++) {
            read(commands -> {
                        sender.set(Thread.currentThread());
                        return commands.get("n");
                    })
                    .get();
        }
        assertThat(sender).hasValue(expected);
    }

    @Test
    void noSubmittingThreadWaitsWhileRedisIsUnavailable() throws Exception {
        CompletableFuture<Long> sent = incrementWithoutAnswer("n");
        assertThatThrownBy(sent::get).hasCauseInstanceOf(JedisConnectionException.class);

        assertThat(increment("n")).isNotDone();
        resume();
        awaitAnswer("n");
        awaitSender(Thread.currentThread());
    }

    /** While the pool checks its idle connection, a batch gets another one, and later batches get either. */
    @Test
    void connectionsInTurnAllReachTheMaximumAge() throws Exception {
        KeptConnection[] connections = {new KeptConnection(server.port()), new KeptConnection(server.port())};
        Set<Integer> replaced = ConcurrentHashMap.newKeySet();
        AtomicInteger batches = new AtomicInteger();
        Supplier<Connection> inTurn = () -> {
            int next = batches.getAndIncrement() % 2;
            if (connections[next].isBroken()) {
                connections[next] = new KeptConnection(server.port());
                replaced.add(next);
            }
            return connections[next];
        };
        try (CommandPipeline aging = pipeline(inTurn, Duration.ofMillis(200), 0, TIMEOUT)) {
            Waiting.until("the end of both", Duration.ofSeconds(10), () -> {
                aging.submit(reading(commands -> commands.get("n"))).join();
                return replaced.size() == 2;
            });
        }
    }

    /** A connection that stays open. */
    private static final class KeptConnection extends Connection {

        KeptConnection(int port) {
            super("127.0.0.1", port);
        }

        @Override
        public void close() {}
    }

    @Test
    void sendsInTheOrderOfSubmission() throws Exception {
        CompletableFuture<Long> first = incrementWithoutAnswer("n");
        List<CompletableFuture<Long>> answers = new ArrayList<>(List.of(first));
        for (int i = 1; i < 3_000; i++) {
            answers.add(increment("n"));
        }
        resume();

        assertThat(answers.stream().map(CompletableFuture::join))
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, 3_000).boxed().toList());
        assertThat(redis.getPool().getBorrowedCount()).as("batches").isGreaterThanOrEqualTo(1 + 3);
    }

    @Test
    void anErrorReplyFailsItsOwnCommandOnly() throws Exception {
        redis.set("text", "abc");
        incrementWithoutAnswer("m"); // so that the next three commands are one batch
        CompletableFuture<Long> before = increment("n");
        CompletableFuture<Long> broken = increment("text");
        CompletableFuture<Long> after = increment("n");
        resume();

        assertThat(before.join()).isEqualTo(1);
        assertThat(after.join()).isEqualTo(2);
        assertThatThrownBy(broken::get).hasCauseInstanceOf(JedisDataException.class);
    }

    @Test
    void aLostConnectionFailsTheBatchAndNothingIsSentTwice() throws Exception {
        increment("n").join();
        List<CompletableFuture<Long>> lost = List.of(incrementWithoutAnswer("n"), increment("n"));
        server.kill();

        for (CompletableFuture<Long> answer : lost) {
            assertThatThrownBy(answer::get).hasCauseInstanceOf(JedisConnectionException.class);
        }
        server = RedisServer.start(folder, server.port());
        // The suspended and killed Redis ran neither command. A pipeline that retries would have counted them now.
        assertThat(awaitAnswer("n")).isEqualTo(2);
    }

    @Test
    void aBatchThatRedisRanBeforeItFailedIsNotSentAgain() throws Exception {
        CompletableFuture<Long> answer = pipeline.enqueue(writing(commands -> {
            Response<Long> count = commands.incr("n");
            commands.waitReplicas(1, PATIENCE.toMillis()); // there is no replica
            return count;
        }));

        assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(JedisConnectionException.class);
        assertThat(awaitAnswer("n")).isEqualTo(2);
    }

    @Test
    void aCommandPastItsDeadlineIsNotSent() throws Exception {
        CompletableFuture<Long> sent = incrementWithoutAnswer("a");
        CompletableFuture<Long> waiting =
                pipeline.submit(RedisCommand.write(c -> c.incr("b"), Duration.ofMillis(1), CommandListener.NONE));
        assertThatThrownBy(sent::get).hasCauseInstanceOf(JedisConnectionException.class);
        assertThatThrownBy(waiting::get).hasCauseInstanceOf(TimeoutException.class);
        resume();

        assertThat(awaitAnswer("c")).isEqualTo(1);
        assertThat(redis.exists("b")).isFalse();
    }

    @Test
    void commandsBeyondTheMaximumFailAtOnce() throws Exception {
        // Long enough that nothing times out before everything is submitted, even on a slow machine.
        pipeline.close();
        pipeline = pipeline(PATIENCE, NEVER_OLD);
        incrementWithoutAnswer("n");
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 2 * CommandPipeline.MAX_WAITING; i++) {
            answers.add(increment("n"));
        }

        assertThat(answers.stream().filter(CommandPipelineTest::isRefused)).hasSize(CommandPipeline.MAX_WAITING);
        resume();
    }

    private static boolean isRefused(CompletableFuture<Long> answer) {
        return answer.isCompletedExceptionally()
                && answer.handle((value, failure) -> failure).join() instanceof RejectedExecutionException;
    }

    @Test
    void closingCompletesWaitingCommandsAndRejectsNewOnes() throws Exception {
        incrementWithoutAnswer("n");
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            answers.add(increment("n"));
        }
        resume();
        pipeline.close();

        assertThat(answers.stream().map(CompletableFuture::join)).hasSize(5_000);
        assertThatThrownBy(() -> increment("n").get()).hasCauseInstanceOf(RejectedExecutionException.class);
    }

    @Test
    void closingDoesNotWaitForARedisThatDoesNotAnswer() throws Exception {
        redis.close();
        redis = RedisClient.create("127.0.0.1", server.port()); // with a shorter time-out for new connections
        incrementWithoutAnswer("n");
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            answers.add(increment("n"));
        }

        pipeline.close();

        assertThat(isRefused(answers.get(answers.size() - 1))).isTrue();
        for (CompletableFuture<Long> answer : answers) {
            assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        }
        resume();
    }

    @Test
    void aWriteThatNoReplicaHasFailsAndAReadOfTheSameBatchDoesNot() throws Exception {
        try (RedisServer primary = InstalledRedis.startOrEmbedded(folder.resolve("primary"), RedisServer.freePort());
                RedisClient client = client(primary.port());
                CommandPipeline replicated = pipeline(() -> client.getPool().getResource(), NEVER_OLD, 1, TIMEOUT)) {
            CompletableFuture<Void> sending = new CompletableFuture<>();
            CompletableFuture<Void> gathered = new CompletableFuture<>();
            replicated.enqueue(reading(commands -> {
                sending.complete(null);
                gathered.join();
                return commands.get("n");
            }));
            sending.join();
            CompletableFuture<Long> write = replicated.submit(writing(commands -> commands.incr("n")));
            CompletableFuture<String> read = replicated.submit(reading(commands -> commands.get("n")));
            gathered.complete(null);

            assertThatThrownBy(write::get)
                    .hasMessageMatching(
                            "(?s).*(NOREPLICAS|unknown command `WAITAOF`).*"); // the embedded Redis has no WAITAOF
            assertThat(read.join()).isEqualTo("1");
        }
    }

    @Test
    void aReplyThatMeansNotThisNodeClosesTheConnectionAndAnotherErrorDoesNot() throws Exception {
        redis.set("text", "abc");
        assertThatThrownBy(increment("text")::get).hasCauseInstanceOf(JedisDataException.class);
        increment("m").get();
        assertThat(redis.getPool().getCreatedCount()).isEqualTo(1);

        try (Jedis jedis = new Jedis("127.0.0.1", server.port())) {
            jedis.replicaof("127.0.0.1", 1);
            assertThatThrownBy(increment("n")::get).hasMessageContaining("READONLY");
            jedis.replicaofNoOne();
        }

        assertThat(awaitAnswer("n")).isEqualTo(1);
        assertThat(redis.getPool().getCreatedCount()).isGreaterThan(1);
    }

    @Test
    void anOldConnectionIsReplaced() {
        try (CommandPipeline ofShortConnections = pipeline(TIMEOUT, Duration.ZERO)) {
            for (int i = 0; i < 20; i++) {
                ofShortConnections
                        .submit(reading(commands -> commands.get("n")))
                        .join();
            }
        }

        assertThat(redis.getPool().getCreatedCount()).isGreaterThanOrEqualTo(10);
    }

    @Test
    void aTrickleOfBytesHoldsABatchNoLongerThanTheTimeout() throws Exception {
        try (TcpProxy proxy = new TcpProxy(server.port());
                RedisClient slow = client(proxy.port());
                CommandPipeline trickling = pipeline(() -> slow.getPool().getResource(), NEVER_OLD, 0, TIMEOUT)) {
            slow.set("text", "abc".repeat(100));
            proxy.trickle(TIMEOUT.dividedBy(10)); // half a minute for the whole reply

            CompletableFuture<String> reply = trickling.enqueue(reading(commands -> commands.get("text")));

            assertThatThrownBy(() -> reply.get(20, TimeUnit.SECONDS))
                    .hasCauseInstanceOf(JedisConnectionException.class)
                    .hasRootCauseInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void anExceptionDuringABatchFailsOnlyThatBatch() throws Exception {
        redis.set("a", "of a");
        redis.set("b", "of b");

        assertThatThrownBy(read(commands -> {
                    commands.get("a");
                    throw new IllegalStateException("on purpose");
                })::get)
                .hasRootCauseMessage("on purpose");
        assertThatThrownBy(read(commands -> {
                    commands.get("a");
                    throw new AssertionError("on purpose");
                })::get)
                .hasRootCauseMessage("on purpose");

        assertThat(read(commands -> commands.get("b")).get(10, TimeUnit.SECONDS))
                .isEqualTo("of b");
        assertThat(pipeline.isAlive()).isTrue();
    }

    @Test
    void aBlockingCallbackDoesNotDelayOtherCommands() throws Exception {
        CompletableFuture<Void> released = new CompletableFuture<>();
        for (int i = 0; i < 40; i++) { // one batch each
            CompletableFuture<Void> attached = new CompletableFuture<>();
            CountDownLatch blocked = new CountDownLatch(1);
            CompletableFuture<String> answer = pipeline.enqueue(reading(commands -> {
                attached.join();
                return commands.get("n");
            }));
            answer.thenRun(() -> {
                blocked.countDown();
                released.join();
            });
            attached.complete(null);
            assertThat(blocked.await(20, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(pipeline.enqueue(writing(commands -> commands.incr("n"))).get(20, TimeUnit.SECONDS))
                .isEqualTo(1);
        released.complete(null);
    }

    @Test
    void isNotAliveWhenItsThreadHasEnded() throws Exception {
        assertThat(pipeline.isAlive()).isTrue();
        executor.shutdown(); // ends the thread of the pipeline: the executor accepts no more answers
        pipeline.enqueue(reading(commands -> commands.get("n")));

        Waiting.until("the end", () -> !pipeline.isAlive());
    }

    /** Suspends Redis with a command in flight, so that the next commands gather. */
    private CompletableFuture<Long> incrementWithoutAnswer(String key) throws InterruptedException {
        suspend();
        // On another thread, since the thread that submits a single command waits for Redis.
        CompletableFuture<Long> answer =
                CompletableFuture.supplyAsync(() -> increment(key), executor).thenCompose(Function.identity());
        Waiting.until("a command in flight", () -> redis.getPool().getNumActive() > 0);
        return answer;
    }

    private CompletableFuture<Long> increment(String key) {
        return pipeline.submit(writing(commands -> commands.incr(key)));
    }

    private <T> CompletableFuture<T> read(Function<Pipeline, Response<T>> command) {
        return pipeline.submit(reading(command));
    }

    private long awaitAnswer(String key) throws InterruptedException {
        for (int i = 0; i < 200; i++) {
            try {
                return increment(key).get();
            } catch (ExecutionException e) {
                Thread.sleep(25);
            }
        }
        throw new AssertionError("Redis is back, but not noticed");
    }

    private void suspend() {
        server.signal("STOP");
    }

    private void resume() {
        server.signal("CONT");
    }
}
