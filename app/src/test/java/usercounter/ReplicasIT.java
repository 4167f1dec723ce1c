package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.InstalledRedis;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.RedisUser;
import usercounter.testkit.Waiting;

/**
 * REDIS_REPLICAS, on a primary with one replica: an acknowledged increment is on the disks of the primary and of that
 * number of replicas.
 */
class ReplicasIT {

    private static RedisServer primary;
    private static RedisServer replica;
    private static RedisUser user;

    /** REDIS_REPLICAS=1. The time-out is shorter than the interval at which a replica reports its disk by itself. */
    private static PackagedServer one;

    /** REDIS_REPLICAS=2. The time-out is long enough for a primary that syncs its disk once a second. */
    private static PackagedServer two;

    private final String path = "/users/" + UUID.randomUUID();
    private int logged;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        primary = InstalledRedis.start(folder.resolve("primary"), RedisServer.freePort());
        replica = startReplica(folder.resolve("replica"));
        user = new RedisUser(
                List.of(primary),
                "always",
                "`REDIS_REPLICAS` is not `0`",
                "`REDIS_URL` has a database other than `0`",
                "`maxmemory-policy` is to be checked");
        one = startServer(folder.resolve("one"), "1", "2s");
        two = startServer(folder.resolve("two"), "2", "12s");
    }

    private static RedisServer startReplica(Path folder) throws IOException {
        RedisServer started = InstalledRedis.start(
                folder, RedisServer.freePort(), "--replicaof", "127.0.0.1", Integer.toString(primary.port()));
        try (Jedis jedis = RedisCluster.client(started)) {
            Waiting.until("synchronisation", () -> jedis.info("replication").contains("master_link_status:up"));
        }
        return started;
    }

    private static PackagedServer startServer(Path folder, String replicas, String timeout) throws IOException {
        return PackagedServer.start(
                Files.createDirectory(folder),
                Map.of(
                        "REDIS_URL", "redis://%s@127.0.0.1:%d/1".formatted(RedisUser.CREDENTIALS, primary.port()),
                        "REDIS_REPLICAS", replicas,
                        "REDIS_TIMEOUT", timeout));
    }

    @AfterAll
    static void stop() {
        Stream.of(one, two).filter(Objects::nonNull).forEach(PackagedServer::close);
        Stream.of(replica, primary).filter(Objects::nonNull).forEach(RedisServer::close);
    }

    /** Waits until the outage of the test before is over, and logged as over. */
    @BeforeEach
    void awaitReplica() {
        Waiting.until(
                "end of the outage",
                () -> one.post("/users/before").statusCode() == 200
                        && one.log().lastIndexOf("does not serve writes")
                                <= one.log().lastIndexOf("serves writes again"));
        logged = one.log().length();
    }

    @Test
    void anIncrementIsAcknowledgedWhenTheReplicaHasItOnItsDisk() {
        // Two may be late on a busy machine. Without WAIT before WAITAOF, about five are late.
        assertThat(IntStream.range(0, 10)
                        .filter(n -> one.post(path).statusCode() == 200)
                        .count())
                .isGreaterThanOrEqualTo(8);
    }

    @Test
    void noRequestIsAcknowledgedWhileTheReplicaHangs() {
        String[] key = {IdempotencyKeyHeader.NAME, "\"k\";ttl=600"};
        try (Jedis jedis = RedisCluster.client(primary)) {
            replica.signal("STOP");
            assertThat(one.post(path).statusCode()).isEqualTo(503);
            awaitLogged("NOREPLICAS");
            assertThat(one.post(path, key).statusCode()).isEqualTo(503);
            String record = "user:{%s}:key:k".formatted(path.substring("/users/".length()));
            jedis.select(1);
            long expires = jedis.pexpireTime(record);
            assertThat(expires).isPositive();
            // On a new connection, WAIT waits only for the writes of this connection.
            jedis.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(ClientKillParams.SkipMe.YES));
            for (int i = 0; i < 3; i++) {
                assertThat(one.post(path, key).statusCode()).isEqualTo(503);
            }
            replica.signal("CONT");

            Waiting.until("acknowledgement", () -> one.post(path, key).statusCode() == 200);
            assertThat(one.post(path, key).body()).isEqualTo("2");
            assertThat(one.get(path).body()).isEqualTo("2");
            assertThat(jedis.pexpireTime(record)).isEqualTo(expires);
        } finally {
            replica.signal("CONT");
        }
    }

    @Test
    void aReplicaWithoutAppendOnlyFileAcknowledgesNothing() {
        assertNothingIsAcknowledged(replica, "appendonly", "NOREPLICAS");
    }

    @Test
    void aPrimaryWithoutAppendOnlyFileAcknowledgesNothing() {
        assertNothingIsAcknowledged(primary, "appendonly", "appendonly is disabled");
    }

    @Test
    void aPrimaryThatNeverSyncsItsDiskAcknowledgesNothing() {
        assertNothingIsAcknowledged(primary, "appendfsync", "NOREPLICAS");
    }

    @Test
    void waitsForTwoReplicasAndThePrimarysDisk(@TempDir Path folder) throws IOException {
        assertThat(two.post(path).statusCode()).isEqualTo(503);
        assertThat(two.log()).contains("NOREPLICAS");

        RedisServer second = startReplica(folder);
        try (Jedis jedis = RedisCluster.client(primary)) {
            assertThat(two.post(path).statusCode()).isEqualTo(200);
            jedis.configSet("appendfsync", "everysec");
            assertThat(two.post(path).statusCode()).isEqualTo(200);
        } finally {
            restore(primary);
            second.close();
        }
    }

    @Test
    void theRedisUserNeedsExactlyTheDocumentedCommands() throws Exception {
        user.assertNeedsExactlyItsCommands(() -> Stream.of(
                        one.get(path),
                        one.post(path),
                        one.post(path, IdempotencyKeyHeader.NAME, "\"k\""),
                        one.post(path, IdempotencyKeyHeader.NAME, "\"k\""),
                        one.get("/health/ready"))
                .allMatch(answer -> answer.statusCode() == 200));
    }

    private void assertNothingIsAcknowledged(RedisServer redis, String setting, String reason) {
        try (Jedis jedis = RedisCluster.client(redis)) {
            jedis.configSet(setting, "no");
            assertThat(one.post(path).statusCode()).isEqualTo(503);
            awaitLogged(reason);
        } finally {
            restore(redis);
        }
    }

    private void awaitLogged(String reason) {
        Waiting.until("log: " + reason, () -> one.log().substring(logged).contains(reason));
    }

    private static void restore(RedisServer redis) {
        try (Jedis jedis = RedisCluster.client(redis)) {
            jedis.configSet("appendonly", "yes");
            jedis.configSet("appendfsync", "always");
        }
    }
}
