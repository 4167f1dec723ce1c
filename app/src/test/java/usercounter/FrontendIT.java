package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.RedisClient;

/** nginx as the frontend configures it, in front of packaged servers. */
class FrontendIT extends ServersOnRedis {

    @BeforeAll
    static void needsNginx() {
        Nginx.assumeInstalled();
    }

    @Test
    void noClientSeesTheDeathOfABackendAndEveryPostCountsOnce() throws Exception {
        try (PackagedServer second = startServer("b");
                Nginx nginx = Nginx.start(folder, server, second)) {
            Load load = Load.start(16, 10, nginx);
            load.awaitAcknowledged(1_000);
            server.kill();
            load.awaitAcknowledged(load.acknowledged() + 2_000);
            load.stop();

            assertThat(load.unanswered()).isZero();
            load.assertExact(nginx);
        }
    }

    @Test
    void aClientsKeyPassesAsItIsAndAPostWithoutOneGetsOneForAMinute() throws IOException {
        try (Nginx nginx = Nginx.start(folder, server);
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
