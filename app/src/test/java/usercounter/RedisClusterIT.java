package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import usercounter.dev.RedisServer;

/** The service on a Redis Cluster: three primaries, and a replica of the first. */
class RedisClusterIT {

    private static final int PRIMARIES = 3;

    @TempDir
    Path folder;

    private final List<RedisServer> nodes = new ArrayList<>();
    private PackagedServer server;

    @BeforeEach
    void start() throws Exception {
        for (int i = 0; i <= PRIMARIES; i++) {
            nodes.add(startNode(folder.resolve("redis-" + i), freePort()));
        }
        for (int i = 0; i < PRIMARIES; i++) {
            int primary = i;
            try (Jedis jedis = client(nodes.get(i))) {
                jedis.clusterMeet("127.0.0.1", nodes.get(PRIMARIES).port());
                jedis.clusterAddSlots(IntStream.range(0, Protocol.CLUSTER_HASHSLOTS)
                        .filter(slot -> slot % PRIMARIES == primary)
                        .toArray());
            }
        }
        for (RedisServer node : nodes) {
            await(() -> info(node).contains("cluster_known_nodes:" + nodes.size()));
        }
        try (Jedis first = client(nodes.get(0));
                Jedis replica = client(nodes.get(PRIMARIES))) {
            replica.clusterReplicate(first.clusterMyId());
            await(() -> replica.info("replication").contains("master_link_status:up"));
        }
        for (RedisServer node : nodes) {
            await(() -> info(node).contains("cluster_state:ok"));
        }
        server = PackagedServer.start(
                folder,
                Map.of("REDIS_URL", "redis-cluster://127.0.0.1:" + nodes.get(1).port()));
    }

    private static RedisServer startNode(Path folder, int port) throws IOException {
        return RedisServer.start(folder, port, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000");
    }

    /** One that has a free one 10,000 above it, for the nodes among themselves. */
    private static int freePort() {
        return Stream.generate(RedisServer::freePort)
                .filter(port -> port < 55_000)
                .findFirst()
                .orElseThrow();
    }

    private static Jedis client(RedisServer node) {
        return new Jedis("127.0.0.1", node.port());
    }

    private static String info(RedisServer node) {
        try (Jedis jedis = client(node)) {
            return jedis.clusterInfo();
        }
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; !condition.getAsBoolean(); i++) {
            assertThat(i).as("tries").isLessThan(600);
            Thread.sleep(50);
        }
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.close();
        }
        nodes.forEach(RedisServer::close);
    }

    @Test
    void everyPrimaryHasItsUsers() {
        for (int i = 0; i < 50; i++) {
            assertThat(server.post("/users/" + i).body()).isEqualTo("1");
            assertThat(server.post("/users/" + i, IdempotencyKey.HEADER, "\"k\"")
                            .body())
                    .isEqualTo("2");
            assertThat(server.get("/users/" + i).body()).isEqualTo("2");
        }

        for (RedisServer primary : nodes.subList(0, PRIMARIES)) {
            try (Jedis jedis = client(primary)) {
                assertThat(jedis.dbSize()).isPositive();
            }
        }
    }

    @Test
    void aPrimaryHandsOverAndNoRequestFails() throws Exception {
        Load load = Load.start(16, 20, server);
        load.awaitAcknowledged(1_000);
        try (Jedis replica = client(nodes.get(PRIMARIES))) {
            replica.clusterFailover();
            await(() -> replica.info("replication").contains("role:master"));
        }
        load.awaitAcknowledged(load.acknowledged() + 1_000);
        load.stop();

        assertThat(load.unanswered()).isZero();
        load.assertExact(server);
    }

    @Test
    void aPrimaryDiesAndTheOthersAnswer() throws Exception {
        List<String> paths =
                IntStream.range(0, 50).mapToObj(user -> "/users/" + user).toList();
        paths.forEach(server::post);
        nodes.remove(0).kill();

        assertThat(paths.stream().filter(path -> server.get(path).statusCode() == 200))
                .hasSizeBetween(10, 45);
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);

        await(() -> paths.stream().allMatch(path -> server.get(path).statusCode() == 200));
        assertThat(paths.stream().map(path -> server.post(path).body())).containsOnly("2");
    }
}
