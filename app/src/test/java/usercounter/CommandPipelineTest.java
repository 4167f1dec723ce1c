package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.dev.RedisServer;

/** What {@link CommandPipeline} promises, against a real Redis. */
class CommandPipelineTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(1);

    @TempDir
    Path folder;

    private final ExecutorService executor = Executors.newCachedThreadPool();
    private RedisServer server;
    private RedisClient redis;
    private CommandPipeline pipeline;

    @BeforeEach
    void open() throws IOException {
        server = RedisServer.start(folder, RedisServer.freePort());
        redis = RedisClient.create("127.0.0.1", server.port());
        pipeline = pipeline(0, TIMEOUT);
    }

    @AfterEach
    void close() {
        pipeline.close();
        redis.close();
        server.close();
        executor.shutdown();
    }

    private CommandPipeline pipeline(int replicas, Duration timeout) {
        return new CommandPipeline(() -> redis.getPool().getResource(), replicas, timeout, executor);
    }

    @Test
    void aLoneCommandLeavesOnTheThreadThatSubmitsIt() {
        assertThat(senderOfOne()).isEqualTo(Thread.currentThread());
    }

    private Thread senderOfOne() {
        AtomicReference<Thread> sender = new AtomicReference<>();
        pipeline.read(commands -> {
                    sender.set(Thread.currentThread());
                    return commands.get("n");
                })
                .join();
        return sender.get();
    }

    @Test
    void whileRedisIsAwayNoThreadThatSubmitsWaits() throws Exception {
        CompletableFuture<Long> sent = incrementWithoutAnswer("n");
        assertThatThrownBy(sent::get).hasCauseInstanceOf(TimeoutException.class);
        awaitNothingOnItsWay(); // the connection's own time-out comes a little later

        assertThat(increment("n")).isNotDone();
        resume();
        awaitAnswer("n");
        assertThat(senderOfOne()).isEqualTo(Thread.currentThread());
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
    }

    @Test
    void anErrorReplyFailsItsOwnCommandOnly() throws Exception {
        redis.set("text", "abc");
        incrementWithoutAnswer("m"); // so that the next three leave in one batch
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
        // A killed Redis that was suspended ran neither; a pipeline that tries again would have counted them now.
        assertThat(awaitAnswer("n")).isEqualTo(2);
    }

    @Test
    void everyFutureCompletesInTimeThoughRedisDoesNot() throws Exception {
        CompletableFuture<Long> sent = incrementWithoutAnswer("n");
        CompletableFuture<Long> waiting = increment("n");

        long start = System.nanoTime();
        assertThatThrownBy(() -> sent.get(10, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
        assertThatThrownBy(() -> waiting.get(10, TimeUnit.SECONDS)).hasCauseInstanceOf(TimeoutException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(TIMEOUT.multipliedBy(5));
        resume();
    }

    @Test
    void aCommandPastItsTimeIsNotSentAnyMore() throws Exception {
        CompletableFuture<Long> sent = incrementWithoutAnswer("a");
        CompletableFuture<Long> waiting = increment("b");
        assertThatThrownBy(sent::get).hasCauseInstanceOf(TimeoutException.class);
        assertThatThrownBy(waiting::get).hasCauseInstanceOf(TimeoutException.class);
        resume();

        assertThat(awaitAnswer("c")).isEqualTo(1);
        assertThat(redis.exists("b")).isFalse();
    }

    @Test
    void tooManyWaitingAreRefusedAtOnce() throws Exception {
        // On a slow machine, too, nothing times out before everything is submitted.
        pipeline.close();
        pipeline = pipeline(0, Duration.ofMinutes(1));
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
    void closingAnswersWhatWaitsAndRefusesTheRest() throws Exception {
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
    void aWriteThatNoReplicaHasFailsAndAReadDoesNot() {
        try (CommandPipeline replicated = pipeline(1, TIMEOUT)) {
            assertThatThrownBy(() ->
                            replicated.write(commands -> commands.incr("n")).get())
                    .hasCauseInstanceOf(JedisDataException.class);
            assertThat(replicated.read(commands -> commands.get("n")).join()).isEqualTo("1");
        }
    }

    /** Suspends Redis with a command on its way, so that the next ones gather. */
    private CompletableFuture<Long> incrementWithoutAnswer(String key) throws InterruptedException {
        suspend();
        // On another thread, since the one that submits a lone command waits for Redis.
        CompletableFuture<Long> answer =
                CompletableFuture.supplyAsync(() -> increment(key), executor).thenCompose(Function.identity());
        while (redis.getPool().getNumActive() == 0) {
            Thread.sleep(1);
        }
        return answer;
    }

    private void awaitNothingOnItsWay() throws InterruptedException {
        while (redis.getPool().getNumActive() > 0) {
            Thread.sleep(1);
        }
    }

    private CompletableFuture<Long> increment(String key) {
        return pipeline.write(commands -> commands.incr(key));
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
