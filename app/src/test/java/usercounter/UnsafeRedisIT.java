package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Metrics;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.Waiting;

/** A Redis that would lose acknowledged increments gets none: requests are answered 503, and one line says why. */
class UnsafeRedisIT extends ServersOnRedis {

    @Test
    void aRedisWithoutAppendOnlyFileIsRefusedUntilItHasOne() {
        count("1");
        try (Jedis admin = RedisCluster.client(redis)) {
            admin.configSet("appendonly", "no");
            disconnect(admin);
            assertIsRefused(server, "appendonly is no");

            admin.configSet("appendonly", "yes");
        }
        Waiting.until("answer 200", () -> server.get("/health/ready").statusCode() == 200);
        count("2");
        assertThat(Metrics.of(server).value("redis_client_connections_refused_total"))
                .isPositive();
    }

    @Test
    void aRedisWithAnotherDataFolderIsRefusedUntilTheFolderIsBack() throws IOException {
        count("1");
        restartRedis("empty");
        assertIsRefused(server, "other data");
        try (PackagedServer later = startServer("b")) {
            assertIsRefused(later, "other data");
        }

        restartRedis("redis");
        Waiting.until("answer 200", () -> server.get("/health/ready").statusCode() == 200);
        count("2");
    }

    private void restartRedis(String data) throws IOException {
        redis.close();
        redis = RedisServer.start(folder.resolve(data), redis.port());
    }

    private void count(String expected) {
        assertThat(server.post("/users/a").body()).isEqualTo(expected);
    }

    private static void assertIsRefused(PackagedServer server, String reason) {
        Waiting.until("log: " + reason, () -> {
            server.get("/health/ready");
            return server.log().contains(reason);
        });
        assertThat(Stream.of(
                                server.post("/users/a"),
                                server.post("/users/a", IdempotencyKeyHeader.NAME, "\"k\""),
                                server.get("/users/a"),
                                server.get("/health/ready"))
                        .map(answer -> answer.statusCode()))
                .containsOnly(503);
        assertThat(server.log().lines().filter(line -> line.contains(reason)))
                .singleElement()
                .asString()
                .doesNotContain("\tat ");
    }

    private static void disconnect(Jedis admin) {
        admin.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(ClientKillParams.SkipMe.YES));
    }
}
