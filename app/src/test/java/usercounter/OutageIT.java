package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertProblem;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import usercounter.another.VisitsResource;
import usercounter.dev.RedisServer;
import usercounter.testkit.Metrics;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.Waiting;

/** Redis is down, slow, loading or full: the service answers 503 in time, and recovers without a restart. */
class OutageIT {

    /** The default. */
    private static final Duration REDIS_TIMEOUT = Duration.ofSeconds(2);

    /** REDIS_TIMEOUT, and more for a busy machine. */
    private static final Duration BOUND = REDIS_TIMEOUT.multipliedBy(2);

    @RegisterExtension
    final ServerOnRedis server = new ServerOnRedis(VisitsResource.class);

    @BeforeEach
    void visitOnce() {
        server.post("/visits/a");
    }

    @Test
    void redisAway() {
        server.redis().kill();

        assertUnavailable();
        server.get("/visits/a");
        assertThat(server.log("does not serve"))
                .as("one line for each reason")
                .hasSizeLessThanOrEqualTo(2)
                .last()
                .satisfies(line -> assertThat(line).contains("Connection refused"));
        assertThat(server.log()).doesNotContain("\tat ");

        server.restartRedis();
        assertRecovers();
    }

    @Test
    void redisRestartedWhileNobodyAskedIsNoticedBeforeARequestMeetsIt() throws Exception {
        server.restartRedis();
        Thread.sleep(1_500); // idle connections are checked within this time

        assertThat(server.post("/visits/a").statusCode()).isEqualTo(200);
        assertThat(server.log()).doesNotContain("\tat ");
    }

    @Test
    void redisHanging() {
        server.redis().signal("STOP");

        assertUnavailable();

        server.redis().signal("CONT");
        assertRecovers();
    }

    @Test
    void theReasonIsReportedThoughTimeoutsCameFirst() {
        server.redis().signal("STOP");
        server.get("/visits/a");
        server.redis().kill();
        server.get("/visits/a");

        assertThat(server.log("does not serve"))
                .satisfiesExactly(
                        line -> assertThat(line).contains("Timeout"),
                        line -> assertThat(line).doesNotContain("Timeout"));
    }

    @Test
    void manyRequestsToAHangingRedisPileUpNowhere() {
        postAtOnce()
                .forEach(CompletableFuture::join); // Liberty's pool of threads grows with the load, whatever Redis does
        long threadsBefore = threads();
        server.redis().signal("STOP");

        long start = System.nanoTime();
        List<CompletableFuture<HttpResponse<String>>> answers = postAtOnce();
        long threadsWhileRequestsWait = 0;
        // Before the first time-out. Answers have a pool of threads, which may be larger.
        for (long threads = 0; System.nanoTime() - start < REDIS_TIMEOUT.toNanos(); threads = threads()) {
            threadsWhileRequestsWait = threads;
        }
        assertThat(answers).allSatisfy(answer -> assertProblem(answer.join(), 503));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND.multipliedBy(2));
        assertThat(threadsWhileRequestsWait)
                .as("threads, of which there were %d before 200 requests", threadsBefore)
                .isBetween(1L, threadsBefore + 99);
        assertThat(server.log()).doesNotContain("RESTEASY", "\tat ");
        server.redis().signal("CONT");
        assertRecovers();
        try (Jedis client = server.jedis()) {
            assertThat(client.info("clients")).containsPattern("connected_clients:[1-4]\\b");
        }
    }

    private List<CompletableFuture<HttpResponse<String>>> postAtOnce() {
        return Stream.generate(() -> server.postLater("/visits/a")).limit(200).toList();
    }

    @Test
    void redisFull() {
        try (Jedis client = server.jedis()) {
            client.configSet("maxmemory", "1");

            assertProblem(server.post("/visits/new"), 503);
            assertThat(server.get("/visits/a").body()).isEqualTo("1");
            client.configSet("maxmemory", "0");
            assertThat(server.post("/visits/new").body()).isEqualTo("1");
        }
    }

    @Test
    void anOutageOfWritesAloneIsOneLineAndReadsGoOn() {
        try (Jedis client = server.jedis()) {
            client.configSet("maxmemory", "1");
            for (int i = 0; i < 200; i++) {
                assertThat(server.post("/visits/a").statusCode()).isEqualTo(503);
                assertThat(server.get("/visits/a").body()).isEqualTo("1");
            }
        }

        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
        assertThat(server.log("Redis at "))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("does not serve writes", "OOM"));
    }

    @Test
    void redisIsAReplicaUntilItIsPromoted() {
        try (Jedis client = server.jedis()) {
            client.replicaof("127.0.0.1", RedisServer.freePort());

            assertThat(server.post("/visits/a").statusCode()).isEqualTo(503);
            assertThat(server.get("/health/ready").statusCode()).isEqualTo(503);

            client.replicaofNoOne();
        }
        assertThat(server.post("/visits/a").body()).isEqualTo("2");
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    }

    @Test
    void redisLoadingItsData() {
        try (Jedis client = server.jedis();
                Pipeline pipeline = client.pipelined()) {
            for (int i = 0; i < 5_000; i++) {
                pipeline.incr("key");
            }
        }
        server.restartRedis("--key-load-delay", "1000");

        HttpResponse<String> answer = server.get("/visits/a");

        assertProblem(answer, 503);
        assertThat(answer.headers().firstValue("Retry-After")).contains("1");
    }

    private void assertUnavailable() {
        for (String method : new String[] {"GET", "POST"}) {
            long start = System.nanoTime();
            HttpResponse<String> answer = server.send(method, "/visits/a");

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND);
            assertProblem(answer, 503);
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
            assertThat(answer.body()).doesNotContain("Exception", "127.0.0.1");
        }
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(503);
        assertThat(server.get("/health/live").statusCode()).isEqualTo(200);
        assertThat(server.get("/health/started").statusCode()).isEqualTo(200);
        assertThat(server.get("/healthz").body()).isEqualTo("✓");
    }

    /** Within a second after Redis serves again. */
    private void assertRecovers() {
        Waiting.until(
                "recovery", Duration.ofSeconds(1), () -> server.get("/visits/a").statusCode() == 200);

        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    }

    private long threads() {
        return (long) Metrics.of(server).value("jvm_threads_current");
    }
}
