package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import usercounter.another.VisitsResource;
import usercounter.testkit.Metrics;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.Waiting;

/** A Redis that would lose acknowledged increments gets none: requests are answered 503, and one line says why. */
class UnsafeRedisIT {

    @RegisterExtension
    final ServerOnRedis server = new ServerOnRedis(VisitsResource.class);

    @Test
    void aRedisWithoutAppendOnlyFileIsRefusedUntilItHasOne() {
        count("1");
        try (Jedis admin = server.jedis()) {
            admin.configSet("appendonly", "no");
            disconnect(admin);
            assertIsRefused(server.packaged(), "appendonly is no");

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
        server.restartRedisWith("empty");
        assertIsRefused(server.packaged(), "other data");
        try (PackagedServer later = server.startAnother(Map.of())) {
            assertIsRefused(later, "other data");
        }

        server.restartRedis();
        Waiting.until("answer 200", () -> server.get("/health/ready").statusCode() == 200);
        count("2");
    }

    private void count(String expected) {
        assertThat(server.post("/visits/a").body()).isEqualTo(expected);
    }

    private static void assertIsRefused(PackagedServer server, String reason) {
        Waiting.until("log: " + reason, () -> {
            server.get("/health/ready");
            return server.log().contains(reason);
        });
        assertThat(Stream.of(server.post("/visits/a"), server.get("/visits/a"), server.get("/health/ready"))
                        .map(answer -> answer.statusCode()))
                .containsOnly(503);
        assertThat(server.log(reason)).singleElement().asString().doesNotContain("\tat ");
    }

    private static void disconnect(Jedis admin) {
        admin.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(ClientKillParams.SkipMe.YES));
    }
}
