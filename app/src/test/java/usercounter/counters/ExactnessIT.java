package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import usercounter.testkit.Endpoint;
import usercounter.testkit.Load;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.ServerOnRedis;

/** Every acknowledged increment is counted exactly once, despite concurrency, restarts and failures. */
class ExactnessIT {

    @RegisterExtension
    final ServerOnRedis server = new ServerOnRedis();

    /** Clients that repeat each request with its own key until it is answered. */
    static Load startKeyed(int clients, int users, Endpoint... servers) {
        return Load.startRepeating(
                clients,
                "/users/",
                users,
                () -> new String[] {IdempotencyKeyHeader.NAME, "\"" + UUID.randomUUID() + "\""},
                servers);
    }

    @Test
    void concurrentClientsOfTwoServersGetEachNumberOnce() throws Exception {
        try (PackagedServer second = server.startAnother(Map.of())) {
            Load load = Load.start(64, "/users/", 20, server, second);
            for (int i = 0; i < 4; i++) {
                load.awaitMore(8_000);
            }
            load.stop();

            assertThat(load.unanswered()).isZero();
            load.assertExact(second);
        }
    }

    @Test
    void aKilledRedisLosesNothingAcknowledgedAndTheServiceRecoversByItself() throws Exception {
        Load load = Load.start(16, "/users/", 10, server);
        for (int outage = 0; outage < 3; outage++) {
            load.awaitMore(1_000);
            server.redis().kill();
            Thread.sleep(500); // with Redis away
            server.restartRedis();
        }
        load.awaitMore(1_000);
        load.stop();

        assertThat(load.unanswered()).isPositive();
        load.assertNothingAcknowledgedIsLost(server);
    }

    @Test
    void clientsThatRepeatWithTheirKeysGetEachNumberOnceThoughRedisDiesOrHangs() throws Exception {
        Load load = startKeyed(16, 10, server);
        for (int outage = 0; outage < 2; outage++) {
            load.awaitMore(1_000);
            server.redis().kill();
            Thread.sleep(500); // with Redis away
            server.restartRedis();
            load.awaitMore(1_000);
            server.redis().signal("STOP");
            Thread.sleep(3_000); // longer than REDIS_TIMEOUT: requests are answered 503, and Redis counts them later
            server.redis().signal("CONT");
        }
        load.awaitMore(1_000);
        load.stop();

        assertThat(load.unanswered()).isPositive();
        load.assertExact(server);
    }

    @Test
    void clientsThatRepeatWithTheirKeysGetEachNumberOnceThoughAServerDies() throws Exception {
        try (PackagedServer second = server.startAnother(Map.of())) {
            Load load = startKeyed(16, 10, server, second);
            load.awaitMore(2_000);
            server.packaged().kill();
            load.awaitMore(2_000);
            load.stop();

            assertThat(load.unanswered()).isPositive();
            load.assertExact(second);
        }
    }

    @Test
    void aClientThatLeavesBeforeItsAnswerMayRepeatWithTheSameKey() throws IOException {
        for (int n = 1; n <= 50; n++) {
            try (Socket socket = server.connect()) {
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
    void restartsOfServiceAndRedisKeepTheNumbers() throws IOException {
        server.post("/users/249");
        server.post("/users/249");
        server.packaged().close();
        server.restartRedis();

        try (PackagedServer later = server.startAnother(Map.of())) {
            assertThat(later.post("/users/249").body()).isEqualTo("3");
        }
    }
}
