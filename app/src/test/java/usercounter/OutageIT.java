package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Metrics;
import usercounter.testkit.PackagedServer;

/** Redis is down, slow, loading or full: the service answers 503 in time, and recovers without a restart. */
class OutageIT {

    /** The default. */
    private static final Duration REDIS_TIMEOUT = Duration.ofSeconds(2);

    /** REDIS_TIMEOUT, and more for a busy machine. */
    private static final Duration BOUND = REDIS_TIMEOUT.multipliedBy(2);

    @TempDir
    Path folder;

    private RedisServer redis;
    private PackagedServer server;

    @BeforeEach
    void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        server = PackagedServer.start(folder, Map.of("REDIS_URL", "127.0.0.1:" + redis.port()));
        server.post("/users/a");
    }

    @AfterEach
    void stop() {
        redis.signal("CONT");
        server.close();
        redis.close();
    }

    @Test
    void redisAway() throws IOException {
        redis.kill();

        assertUnavailable();
        server.get("/users/a");
        assertThat(server.log().lines().filter(line -> line.contains("does not serve")))
                .as("one line for each reason")
                .hasSizeLessThanOrEqualTo(2)
                .last()
                .satisfies(line -> assertThat(line).contains("Connection refused"));
        assertThat(server.log()).doesNotContain("\tat ");

        redis = RedisServer.start(folder.resolve("redis"), redis.port());
        assertRecovers();
    }

    @Test
    void redisRestartedWhileNobodyAskedIsNoticedBeforeARequestMeetsIt() throws Exception {
        redis.close();
        redis = RedisServer.start(folder.resolve("redis"), redis.port());
        Thread.sleep(1_500); // idle connections are checked within this time

        assertThat(server.post("/users/a").statusCode()).isEqualTo(200);
        assertThat(server.log()).doesNotContain("\tat ");
    }

    @Test
    void redisHanging() {
        redis.signal("STOP");

        assertUnavailable();

        redis.signal("CONT");
        assertRecovers();
    }

    @Test
    void theReasonIsReportedThoughTimeoutsCameFirst() throws IOException {
        redis.signal("STOP");
        server.get("/users/a");
        redis.kill();
        server.get("/users/a");

        assertThat(server.log().lines().filter(line -> line.contains("does not serve")))
                .satisfiesExactly(
                        line -> assertThat(line).contains("Timeout"),
                        line -> assertThat(line).doesNotContain("Timeout"));
    }

    @Test
    void manyRequestsToAHangingRedisPileUpNowhere() throws Exception {
        postAtOnce(200, 200); // Liberty's pool of threads grows with the load, whatever Redis does
        long threadsBefore = threads();
        redis.signal("STOP");

        long start = System.nanoTime();
        FutureTask<?> requests = new FutureTask<>(() -> {
            postAtOnce(200, 503);
            return null;
        });
        new Thread(requests).start();
        long threadsWhileRequestsWait = 0;
        // Before the first time-out. Answers have a pool of threads, which may be larger.
        for (long threads = 0; System.nanoTime() - start < REDIS_TIMEOUT.toNanos(); threads = threads()) {
            threadsWhileRequestsWait = threads;
        }
        requests.get();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND.multipliedBy(2));
        assertThat(threadsWhileRequestsWait)
                .as("threads, of which there were %d before 200 requests", threadsBefore)
                .isBetween(1L, threadsBefore + 99);
        assertThat(server.log()).doesNotContain("RESTEASY", "\tat ");
        redis.signal("CONT");
        assertRecovers();
        assertThat(connections()).isLessThan(5);
    }

    private void postAtOnce(int requests, int status) throws Exception {
        ExecutorService clients = Executors.newFixedThreadPool(requests);
        Callable<HttpResponse<String>> post = () -> server.post("/users/a");
        for (var answer : clients.invokeAll(Collections.nCopies(requests, post))) {
            assertThat(answer.get().statusCode()).isEqualTo(status);
        }
        clients.shutdown();
    }

    @Test
    void redisFull() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            client.configSet("maxmemory", "1");

            HttpResponse<String> counted = server.post("/users/new");

            assertThat(counted.statusCode()).isEqualTo(503);
            assertThat(server.post("/users/keyed", IdempotencyKeyHeader.NAME, "\"k\"")
                            .statusCode())
                    .isEqualTo(503);
            assertThat(server.get("/users/a").body()).isEqualTo("1");
            client.configSet("maxmemory", "0");
            assertThat(server.post("/users/new").body()).isEqualTo("1");
            assertThat(server.post("/users/keyed", IdempotencyKeyHeader.NAME, "\"k\"")
                            .body())
                    .isEqualTo("1");
        }
    }

    @Test
    void anOutageOfWritesAloneIsOneLineAndReadsGoOn() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            client.configSet("maxmemory", "1");
            for (int i = 0; i < 200; i++) {
                assertThat(server.post("/users/a").statusCode()).isEqualTo(503);
                assertThat(server.get("/users/a").body()).isEqualTo("1");
            }
        }

        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
        assertThat(server.log().lines().filter(line -> line.contains("Redis at ")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("does not serve writes", "OOM"));
    }

    @Test
    void redisIsAReplicaUntilItIsPromoted() {
        try (Jedis client = new Jedis("127.0.0.1", redis.port())) {
            client.replicaof("127.0.0.1", RedisServer.freePort());

            assertThat(server.post("/users/a").statusCode()).isEqualTo(503);
            assertThat(server.get("/health/ready").statusCode()).isEqualTo(503);

            client.replicaofNoOne();
        }
        assertThat(server.post("/users/a").body()).isEqualTo("2");
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    }

    @Test
    void redisLoadingItsData() throws IOException {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port());
                Pipeline pipeline = client.pipelined()) {
            for (int i = 0; i < 5_000; i++) {
                pipeline.incr("key");
            }
        }
        redis.close();
        redis = RedisServer.start(folder.resolve("redis"), redis.port(), "--key-load-delay", "1000");

        HttpResponse<String> answer = server.get("/users/a");

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Retry-After")).contains("1");
    }

    private void assertUnavailable() {
        for (String method : new String[] {"GET", "POST"}) {
            long start = System.nanoTime();
            HttpResponse<String> answer = server.send(method, "/users/a");

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND);
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
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
        long start = System.nanoTime();
        int status;
        do {
            status = server.get("/users/a").statusCode();
        } while (status != 200 && System.nanoTime() - start < 1_000_000_000L);

        assertThat(status).isEqualTo(200);
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    }

    private long threads() {
        return (long) Metrics.of(server).value("jvm_threads_current");
    }

    private long connections() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            return client.info("clients")
                    .lines()
                    .filter(line -> line.startsWith("connected_clients:"))
                    .mapToLong(line ->
                            Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
