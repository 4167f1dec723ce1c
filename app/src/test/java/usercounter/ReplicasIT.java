package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import usercounter.another.VisitsResource;
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

    @AutoClose
    static RedisServer primary;

    @AutoClose
    static RedisServer replica;

    private static RedisUser user;

    /** REDIS_REPLICAS=1. The time-out is shorter than the interval at which a replica reports its disk by itself. */
    @AutoClose
    static PackagedServer one;

    /** REDIS_REPLICAS=2. The time-out is long enough for a primary that syncs its disk once a second. */
    @AutoClose
    static PackagedServer two;

    private final String path = "/visits/" + UUID.randomUUID();
    private int logged;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        primary = InstalledRedis.start(folder.resolve("primary"), RedisServer.freePort());
        replica = InstalledRedis.startReplica(folder.resolve("replica"), primary);
        user = new RedisUser(
                List.of(primary),
                Set.of("GET", "SET", "INCR", "PING"),
                "`REDIS_REPLICAS` is not `0`",
                "`REDIS_URL` has a database other than `0`",
                "`maxmemory-policy` is to be checked");
        one = startServer(folder.resolve("one"), "1", "2s");
        two = startServer(folder.resolve("two"), "2", "12s");
    }

    private static PackagedServer startServer(Path folder, String replicas, String timeout) throws IOException {
        return PackagedServer.start(
                Files.createDirectory(folder),
                Map.of(
                        "REDIS_URL", "redis://%s@127.0.0.1:%d/1".formatted(RedisUser.CREDENTIALS, primary.port()),
                        "REDIS_REPLICAS", replicas,
                        "REDIS_TIMEOUT", timeout),
                VisitsResource.class);
    }

    /** Waits until the outage of the test before is over, and logged as over. */
    @BeforeEach
    void awaitReplica() {
        Waiting.until(
                "end of the outage",
                () -> one.post("/visits/before").statusCode() == 200
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
        replica.signal("STOP");
        try {
            assertThat(one.post(path).statusCode()).isEqualTo(503);
            awaitLogged("NOREPLICAS");
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

        RedisServer second = InstalledRedis.startReplica(folder, primary);
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
        user.assertNeedsExactlyItsCommands(() -> Stream.of(one.get(path), one.post(path), one.get("/health/ready"))
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
