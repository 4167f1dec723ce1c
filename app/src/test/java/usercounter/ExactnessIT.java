package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientPauseMode;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Endpoint;
import usercounter.testkit.Load;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.Waiting;

/** Every acknowledged increment is counted exactly once, despite concurrency, restarts and failures. */
class ExactnessIT extends ServersOnRedis {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void concurrentClientsOfTwoServersGetEachNumberOnce() throws IOException {
        try (PackagedServer second = startServer("b")) {
            Load load = Load.start(64, 20, n -> n < 500, server, second);
            load.await();

            assertThat(load.acknowledged()).isEqualTo(64 * 500);
            load.assertExact(second);
        }
    }

    @Test
    void aKilledRedisLosesNothingAcknowledgedAndTheServiceRecoversByItself() throws Exception {
        Load load = Load.start(16, 10, server);
        for (int outage = 0; outage < 3; outage++) {
            load.awaitAcknowledged(load.acknowledged() + 1_000);
            redis.kill();
            Thread.sleep(500); // with Redis away
            redis = RedisServer.start(folder.resolve("redis"), redis.port());
        }
        load.awaitAcknowledged(load.acknowledged() + 1_000);
        load.stop();

        assertThat(load.unanswered()).isPositive();
        load.assertNothingAcknowledgedIsLost(server);
    }

    @Test
    void clientsThatRepeatWithTheirKeysGetEachNumberOnceThoughRedisDiesOrHangs() throws Exception {
        Load load = Load.startKeyed(16, 10, server);
        for (int outage = 0; outage < 2; outage++) {
            load.awaitAcknowledged(load.acknowledged() + 1_000);
            redis.kill();
            Thread.sleep(500); // with Redis away
            redis = RedisServer.start(folder.resolve("redis"), redis.port());
            load.awaitAcknowledged(load.acknowledged() + 1_000);
            redis.signal("STOP");
            Thread.sleep(3_000); // longer than REDIS_TIMEOUT: requests are answered 503, and Redis counts them later
            redis.signal("CONT");
        }
        load.awaitAcknowledged(load.acknowledged() + 1_000);
        load.stop();

        assertThat(load.unanswered()).isPositive();
        load.assertExact(server);
    }

    @Test
    void clientsThatRepeatWithTheirKeysGetEachNumberOnceThoughAServerDies() throws Exception {
        try (PackagedServer second = startServer("b")) {
            Load load = Load.startKeyed(16, 10, server, second);
            load.awaitAcknowledged(2_000);
            server.kill();
            load.awaitAcknowledged(load.acknowledged() + 2_000);
            load.stop();

            assertThat(load.unanswered()).isPositive();
            load.assertExact(second);
        }
    }

    @Test
    void aClientThatLeavesBeforeItsAnswerMayRepeatWithTheSameKey() throws IOException {
        for (int n = 1; n <= 50; n++) {
            try (Socket socket = new Socket("127.0.0.1", server.port())) {
                socket.getOutputStream()
                        .write(
                                "POST /users/249 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nIdempotency-Key: \"%d\"\r\n\r\n"
                                        .formatted(n)
                                        .getBytes(StandardCharsets.US_ASCII));
            }
            assertThat(server.post("/users/249", IdempotencyKeyHeader.NAME, "\"" + n + "\"")
                            .body())
                    .isEqualTo(Integer.toString(n));
        }
        assertThat(server.get("/users/249").body()).isEqualTo("50");
    }

    @Test
    void aStopAnswersWhatIsInFlightAndEachAnswerClosesItsConnection() throws Exception {
        try (PackagedServer stopped = startServer("b", Map.of("REDIS_TIMEOUT", "60s"));
                Jedis client = new Jedis("127.0.0.1", redis.port());
                Socket probe = new Socket("127.0.0.1", stopped.port())) {
            stopped.get("/users/249"); // opens the connection
            client.clientPause(60_000, ClientPauseMode.WRITE);
            var post = HttpRequest.newBuilder(stopped.uri("/users/249")).POST(BodyPublishers.noBody());
            var answers = Stream.generate(() -> Endpoint.HTTP.sendAsync(post.build(), BodyHandlers.ofString()))
                    .limit(16)
                    .toList();
            Waiting.until(
                    "an increment in flight",
                    PATIENCE,
                    () -> client.clientList().contains("cmd=incr"));
            assertThat(closes(stopped.get("/healthz")))
                    .isFalse(); // so this connection, the most recent one, is reused by the next request
            stopped.terminate();
            Waiting.until("the stop", PATIENCE, () -> closes(stopped.get("/healthz")));
            probe.setSoTimeout((int) PATIENCE.toMillis());
            probe.getOutputStream()
                    .write("GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(probe.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                    .isEqualTo("HTTP/1.1 503");
            client.clientUnpause();

            for (var answer : answers) {
                assertThat(answer.get(1, TimeUnit.MINUTES).statusCode()).isEqualTo(200);
                assertThat(closes(answer.get())).isTrue();
            }
            assertThat(stopped.awaitExit()).isEqualTo(143);
        }
        assertThat(server.get("/users/249").body()).isEqualTo("16");
    }

    private static boolean closes(HttpResponse<String> answer) {
        return answer.headers()
                .firstValue("Connection")
                .filter("close"::equalsIgnoreCase)
                .isPresent();
    }

    @Test
    void restartsOfServiceAndRedisKeepTheNumbers() throws IOException {
        server.post("/users/249");
        server.post("/users/249");
        server.close();
        redis.close();

        redis = RedisServer.start(folder.resolve("redis"), redis.port());
        server = startServer("b");

        assertThat(server.post("/users/249").body()).isEqualTo("3");
    }
}
