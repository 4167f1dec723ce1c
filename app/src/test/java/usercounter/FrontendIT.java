package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;
import usercounter.dev.RedisServer;

/** nginx as the frontend configures it, in front of packaged servers. */
class FrontendIT {

    @TempDir
    Path folder;

    private RedisServer redis;
    private PackagedServer backend;

    @BeforeEach
    void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        backend = startBackend("a");
    }

    @AfterEach
    void stop() {
        backend.close();
        redis.close();
    }

    private PackagedServer startBackend(String name) throws IOException {
        return PackagedServer.start(
                Files.createDirectory(folder.resolve(name)), Map.of("REDIS_URL", "127.0.0.1:" + redis.port()));
    }

    @Test
    void noClientSeesTheDeathOfABackendAndEveryPostCountsOnce() throws Exception {
        try (PackagedServer second = startBackend("b");
                Nginx nginx = Nginx.start(folder, backend, second)) {
            AtomicBoolean over = new AtomicBoolean();
            Load load = Load.start(16, 10, n -> !over.get(), nginx);
            load.awaitAcknowledged(1_000);
            backend.kill();
            load.awaitAcknowledged(load.acknowledged() + 2_000);
            over.set(true);
            load.await();

            assertThat(load.unanswered()).isZero();
            load.assertExact(nginx);
        }
    }

    @Test
    void aClientsKeyPassesAsItIsAndAPostWithoutOneGetsOneForAMinute() throws IOException {
        try (Nginx nginx = Nginx.start(folder, backend);
                RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            assertThat(nginx.post("/users/own", IdempotencyKey.HEADER, "\"a\\\"b\"")
                            .body())
                    .isEqualTo("1");
            assertThat(client.ttl("user:{own}:key:a\"b")).isGreaterThan(60);
            assertThat(nginx.post("/users/own", IdempotencyKey.HEADER, "malformed")
                            .statusCode())
                    .isEqualTo(400);

            assertThat(nginx.post("/users/given").body()).isEqualTo("1");
            assertThat(nginx.post("/users/given").body()).isEqualTo("2");
            Set<String> given = client.keys("user:{given}:key:*");
            assertThat(given)
                    .hasSize(2)
                    .allSatisfy(key -> assertThat(client.ttl(key)).isBetween(1L, 60L));

            nginx.get("/users/read");
            assertThat(client.keys("user:{read}*")).isEmpty();
        }
    }
}
