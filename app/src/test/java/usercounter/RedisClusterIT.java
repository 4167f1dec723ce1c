package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Load;
import usercounter.testkit.Metrics;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.RedisUser;
import usercounter.testkit.Waiting;

/**
 * The service on a Redis Cluster. Each test leaves the cluster with all slots served. REDIS_URL names two nodes. The
 * first of them has left the cluster: it knows no other node and has no slots.
 */
class RedisClusterIT {

    private static RedisCluster cluster;
    private static RedisServer stranger;
    private static RedisUser user;
    private static PackagedServer server;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        cluster = RedisCluster.start(folder);
        stranger = RedisCluster.startNode(folder, RedisCluster.freePort());
        List<RedisServer> all =
                Stream.concat(Stream.of(stranger), cluster.nodes().stream()).toList();
        user = new RedisUser(
                all,
                "always",
                "`REDIS_URL` is a Redis Cluster's",
                "`maxmemory-policy` is to be checked",
                "`REDIS_REPLICAS` is `0` and `REDIS_DURABILITY` is `checked`");
        server = PackagedServer.start(
                folder,
                Map.of(
                        "REDIS_URL",
                        RedisCluster.url(stranger, cluster.primaries().get(1)),
                        // Long enough for the move of a slot on a busy machine.
                        "REDIS_TIMEOUT",
                        "10s"));
        Waiting.until("readiness", () -> server.get("/health/ready").statusCode() == 200);
    }

    @AfterAll
    static void stop() {
        server.close();
        stranger.close();
        cluster.close();
    }

    @Test
    void everyPrimaryHasItsUsers() {
        for (int i = 0; i < 50; i++) {
            assertThat(server.post("/users/" + i).body()).isEqualTo("1");
            assertThat(server.post("/users/" + i, IdempotencyKeyHeader.NAME, "\"k\"")
                            .body())
                    .isEqualTo("2");
            assertThat(server.get("/users/" + i).body()).isEqualTo("2");
        }

        for (RedisServer primary : cluster.primaries()) {
            try (Jedis jedis = RedisCluster.client(primary)) {
                assertThat(jedis.dbSize()).isPositive();
            }
        }
    }

    @Test
    void theConnectionsToAllNodesAreCounted() {
        for (int i = 0; i < 50; i++) {
            server.get("/users/" + i);
        }
        Metrics metrics = Metrics.of(server);
        assertThat(metrics.value("db_client_connection_count{db_client_connection_state=\"idle\"}")
                        + metrics.value("db_client_connection_count{db_client_connection_state=\"used\"}"))
                .isGreaterThanOrEqualTo(cluster.primaries().size());
    }

    @Test
    void aPrimaryHandsOverAndNoRequestFails() throws Exception {
        Load load = Load.start(16, 20, server);
        load.awaitAcknowledged(1_000);
        try (Jedis replica = RedisCluster.client(cluster.replica())) {
            replica.clusterFailover();
            Waiting.until("hand-over", () -> replica.info("replication").contains("role:master"));
        }
        load.awaitAcknowledged(load.acknowledged() + 1_000);
        load.stop();

        assertThat(load.unanswered()).isZero();
        load.assertExact(server);
    }

    @Test
    void aPrimaryDiesAndTheOthersAnswer() throws Exception {
        List<String> paths = IntStream.range(0, 50)
                .mapToObj(user -> "/users/survivor-" + user)
                .toList();
        paths.forEach(server::post);
        RedisServer primary = cluster.primaryOf(cluster.replica());
        try (Jedis replica = RedisCluster.client(cluster.replica())) {
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
            cluster.restart(primary);
            user.permitAllExcept(); // the restarted node has no ACL users
        }
    }

    @Test
    void theRedisUserNeedsExactlyTheDocumentedCommands() throws Exception {
        String moving = UUID.randomUUID().toString();
        RedisCluster.Move move = cluster.new Move(RedisCluster.slotOf(moving));
        user.assertNeedsExactlyItsCommands(() -> Stream.of(
                        server.get("/users/any"),
                        server.post("/users/any"),
                        server.post("/users/any", IdempotencyKeyHeader.NAME, "\"k\""),
                        server.post("/users/any", IdempotencyKeyHeader.NAME, "\"k\""),
                        server.get("/users/" + moving),
                        server.get("/health/ready"))
                .allMatch(answer -> answer.statusCode() == 200));
        move.finish();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "SET", "INCR"})
    void aForbiddenCommandKeepsThePostFromCounting(String forbidden) {
        String path = "/users/" + UUID.randomUUID();
        user.permitAllExcept(forbidden);
        try {
            for (int i = 0; i < 3; i++) {
                assertThat(postWithKey(path, "k").statusCode()).isEqualTo(503);
            }
        } finally {
            user.permitAllExcept();
        }

        assertThat(server.get(path).body()).isEqualTo("0");
        assertThat(postWithKey(path, "k").body()).isEqualTo("1");
        assertThat(server.get(path).body()).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "user:{u}", "user:{u}:key:old", "user:{u} user:{u}:key:old"})
    void aUserWhoseSlotIsHalfMovedIsCountedOnce(String moved) throws Exception {
        String id = UUID.randomUUID().toString();
        String path = "/users/" + id;
        assertThat(postWithKey(path, "old").body()).isEqualTo("1");
        RedisCluster.Move move = cluster.new Move(RedisCluster.slotOf(id));
        if (!moved.isEmpty()) {
            move.keys(moved.replace("{u}", "{" + id + "}").split(" "));
        }

        assertThat(server.get(path).body()).isEqualTo("1");
        assertThat(server.post(path).body()).isEqualTo("2");
        // Until the slot has moved, Redis runs no script whose keys are on two nodes.
        var repeated = CompletableFuture.supplyAsync(() -> postWithKey(path, "old"));
        var first = CompletableFuture.supplyAsync(() -> postWithKey(path, "new"));
        Thread.sleep(500); // so that the requests arrive during the move
        move.finish();

        assertThat(repeated.get().body()).isEqualTo("1");
        assertThat(first.get().body()).isEqualTo("3");
        assertThat(server.get(path).body()).isEqualTo("3");
    }

    @Test
    void aUserWithoutANumberIsCountedOnceThoughItsSlotIsHalfMoved() throws Exception {
        String id = UUID.randomUUID().toString();
        String path = "/users/" + id;
        RedisCluster.Move move = cluster.new Move(RedisCluster.slotOf(id));

        assertThat(server.get(path).body()).isEqualTo("0");
        assertThat(server.post(path).body()).isEqualTo("1");
        var first = CompletableFuture.supplyAsync(() -> postWithKey(path, "new"));
        Thread.sleep(500); // so that the request arrives during the move
        move.finish();

        assertThat(first.get().body()).isEqualTo("2");
        assertThat(server.get(path).body()).isEqualTo("2");
    }

    private static HttpResponse<String> postWithKey(String path, String key) {
        return server.post(path, IdempotencyKeyHeader.NAME, '"' + key + '"');
    }

    @Test
    void slotsMoveUnderLoadAndNoRequestFails() throws Exception {
        Load load = Load.startKeyed(4, 50, server);
        load.awaitAcknowledged(1_000);
        Stream.concat(
                        load.users().stream().map(RedisCluster::slotOf),
                        Stream.iterate(0, slot -> slot + 50).limit(Protocol.CLUSTER_HASHSLOTS / 50))
                .distinct()
                .limit(300)
                .forEach(slot -> cluster.new Move(slot).finish());
        load.awaitAcknowledged(load.acknowledged() + 1_000);
        load.stop();

        load.assertExact(server);
        load.printExact("Redis Cluster: 300 slots move to other primaries");
        assertThat(load.unanswered()).isZero();
    }
}
