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
        pipeline = new CommandPipeline(redis, TIMEOUT, executor);
    }

    @AfterEach
    void close() {
        pipeline.close();
        redis.close();
        server.close();
        executor.shutdown();
    }

    @Test
    void sendsInTheOrderOfSubmission() {
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            answers.add(increment("n"));
        }

        assertThat(answers.stream().map(CompletableFuture::join))
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, 3_000).boxed().toList());
    }

    @Test
    void anErrorReplyFailsItsOwnCommandOnly() {
        redis.set("text", "abc");
        suspend(); // so that all three leave in one batch, or wait for it
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
        suspend();
        List<CompletableFuture<Long>> lost = List.of(increment("n"), increment("n"));
        server.kill();

        for (CompletableFuture<Long> answer : lost) {
            assertThatThrownBy(answer::get).hasCauseInstanceOf(JedisConnectionException.class);
        }
        server = RedisServer.start(folder, server.port());
        // A killed Redis that was suspended ran neither; a pipeline that tries again would have counted them now.
        assertThat(awaitAnswer("n")).isEqualTo(2);
    }

    @Test
    void everyFutureCompletesInTimeThoughRedisDoesNot() {
        suspend();
        CompletableFuture<Long> sent = increment("n");
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
        suspend();
        CompletableFuture<Long> sent = increment("a");
        while (redis.getPool().getNumActive() == 0) {
            Thread.sleep(1); // until the first is on its way
        }
        CompletableFuture<Long> waiting = increment("b");
        assertThatThrownBy(sent::get).hasCauseInstanceOf(TimeoutException.class);
        assertThatThrownBy(waiting::get).hasCauseInstanceOf(TimeoutException.class);
        resume();

        assertThat(awaitAnswer("c")).isEqualTo(1);
        assertThat(redis.exists("b")).isFalse();
    }

    @Test
    void tooManyWaitingAreRefusedAtOnce() {
        // On a slow machine, too, nothing times out before everything is submitted.
        try (CommandPipeline patient = new CommandPipeline(redis, Duration.ofMinutes(1), executor)) {
            suspend();
            List<CompletableFuture<Long>> answers = new ArrayList<>();
            for (int i = 0; i < 3 * CommandPipeline.MAX_WAITING; i++) {
                answers.add(patient.submit(commands -> commands.incr("n")));
            }

            assertThat(answers.stream().filter(CommandPipelineTest::isRefused))
                    .hasSizeBetween(CommandPipeline.MAX_WAITING, 2 * CommandPipeline.MAX_WAITING);
            resume();
        }
    }

    private static boolean isRefused(CompletableFuture<Long> answer) {
        return answer.isCompletedExceptionally()
                && answer.handle((value, failure) -> failure).join() instanceof RejectedExecutionException;
    }

    @Test
    void closingAnswersWhatWaitsAndRefusesTheRest() {
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            answers.add(increment("n"));
        }
        pipeline.close();

        assertThat(answers.stream().map(CompletableFuture::join)).hasSize(5_000);
        assertThatThrownBy(() -> increment("n").get()).hasCauseInstanceOf(RejectedExecutionException.class);
    }

    private CompletableFuture<Long> increment(String key) {
        return pipeline.submit(commands -> commands.incr(key));
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
