package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import usercounter.dev.RedisServer;

/** Every acknowledged increment is counted exactly once: under concurrency, over restarts, through failures. */
class ExactnessIT extends ServersOnRedis {

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
            Thread.sleep(3_000); // longer than REDIS_TIMEOUT: what was sent is answered 503, and counted afterwards
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
            assertThat(server.post("/users/249", IdempotencyKey.HEADER, "\"" + n + "\"")
                            .body())
                    .isEqualTo(Integer.toString(n));
        }
        assertThat(server.get("/users/249").body()).isEqualTo("50");
    }

    @Test
    void aStopUnderLoadAnswersWhatIsInFlight() throws Exception {
        Load load = Load.start(16, 10, n -> server.process().isAlive(), server);
        load.awaitAcknowledged(1_000);
        server.terminate();
        server.awaitExit();
        load.await();

        server = startServer("b");
        load.assertNothingAcknowledgedIsLost(server);
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
