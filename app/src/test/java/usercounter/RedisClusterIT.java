package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import usercounter.another.VisitsResource;
import usercounter.dev.RedisServer;
import usercounter.testkit.Load;
import usercounter.testkit.Metrics;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.ServerOnRedisCluster;
import usercounter.testkit.Waiting;

/** The service on a Redis Cluster. */
class RedisClusterIT {

    @RegisterExtension
    static final ServerOnRedisCluster server =
            new ServerOnRedisCluster(Set.of("GET", "SET", "INCR", "PING"), VisitsResource.class);

    @Test
    void everyPrimaryHasItsKeysAndAConnection() {
        for (int i = 0; i < 50; i++) {
            assertThat(server.post("/visits/" + i).body()).isEqualTo("1");
            assertThat(server.get("/visits/" + i).body()).isEqualTo("1");
        }

        for (RedisServer primary : server.cluster().primaries()) {
            try (Jedis jedis = RedisCluster.client(primary)) {
                assertThat(jedis.dbSize()).isPositive();
            }
        }
        Metrics metrics = Metrics.of(server);
        assertThat(metrics.value("db_client_connection_count{db_client_connection_state=\"idle\"}")
                        + metrics.value("db_client_connection_count{db_client_connection_state=\"used\"}"))
                .isGreaterThanOrEqualTo(server.cluster().primaries().size());
    }

    @Test
    void aPrimaryHandsOverAndNoRequestFails() throws Exception {
        Load load = Load.start(16, "/visits/", 20, server);
        load.awaitMore(1_000);
        try (Jedis replica = RedisCluster.client(server.cluster().replica())) {
            replica.clusterFailover();
            Waiting.until("hand-over", () -> replica.info("replication").contains("role:master"));
        }
        load.awaitMore(1_000);
        load.stop();

        assertThat(load.unanswered()).isZero();
        load.assertExact(server);
    }

    @Test
    void aPrimaryDiesAndTheOthersAnswer() throws Exception {
        List<String> paths = IntStream.range(0, 50)
                .mapToObj(page -> "/visits/survivor-" + page)
                .toList();
        paths.forEach(server::post);
        RedisServer primary = server.cluster().primaryOf(server.cluster().replica());
        try (Jedis replica = RedisCluster.client(server.cluster().replica())) {
            replica.configSet("cluster-replica-no-failover", "yes");
            primary.kill();
            assertThat(paths.stream().filter(path -> server.get(path).statusCode() == 200))
                    .hasSizeBetween(10, 45);
            assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);

            replica.configSet("cluster-replica-no-failover", "no");
            Waiting.until(
                    "fail-over",
                    () -> paths.stream().allMatch(path -> server.get(path).statusCode() == 200));
            assertThat(paths.stream().map(path -> server.post(path).body())).containsOnly("2");
        } finally {
            server.cluster().restart(primary);
            server.user().permitAllExcept(); // the restarted node has no ACL users
        }
    }

    @Test
    void theRedisUserNeedsExactlyTheDocumentedCommands() throws Exception {
        server.assertUserNeedsExactlyItsCommands(moving -> Stream.of(
                server.get("/visits/any"),
                server.post("/visits/any"),
                server.get("/visits/" + moving),
                server.get("/health/ready")));
    }
}
