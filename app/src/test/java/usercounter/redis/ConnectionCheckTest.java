package usercounter.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.dev.RedisServer;
import usercounter.redis.pipeline.UnsafeRedisException;
import usercounter.testkit.InstalledRedis;
import usercounter.testkit.RedisCluster;

/** {@link ConnectionCheck} with a real Redis, which a new service checks, and one that has served before. */
class ConnectionCheckTest {

    @TempDir
    Path folder;

    private final ConnectionCheck running = new ConnectionCheck(true, true);
    private RedisServer server;

    @BeforeEach
    void start() throws IOException {
        server = startWith("data");
        assertIsServedBy(running);
    }

    private RedisServer startWith(String data) throws IOException {
        return InstalledRedis.startOrEmbedded(folder.resolve(data), RedisServer.freePort());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private void check(ConnectionCheck check) {
        try (Connection connection = new Connection("127.0.0.1", server.port())) {
            check.check(connection);
        }
    }

    private void assertIsServedBy(ConnectionCheck check) {
        assertThatCode(() -> check(check)).doesNotThrowAnyException();
    }

    private void assertIsRefusedBy(ConnectionCheck check, String... reason) {
        assertThatThrownBy(() -> check(check))
                .isInstanceOf(UnsafeRedisException.class)
                .hasMessageContainingAll(reason);
    }

    private Jedis admin() {
        return RedisCluster.client(server);
    }

    private void use(String data) throws IOException {
        server.close();
        server = startWith(data);
    }

    @ParameterizedTest
    @CsvSource({
        "appendonly, no, yes",
        "appendfsync, everysec, always",
        "appendfsync, no, always",
        "no-appendfsync-on-rewrite, yes, no"
    })
    void everyWriteMustBeOnTheDisk(String setting, String bad, String good) {
        try (Jedis admin = admin()) {
            admin.configSet(setting, bad);
            assertIsRefusedBy(running, setting + " is " + bad, good);
            assertIsServedBy(new ConnectionCheck(false, true));

            admin.configSet(setting, good);
            assertIsServedBy(running);
        }
    }

    @Test
    void evictionIsRefusedOnlyWithALimit() {
        try (Jedis admin = admin()) {
            admin.configSet("maxmemory-policy", "volatile-lru");
            assertIsServedBy(running);

            admin.configSet("maxmemory", "100mb");
            assertIsRefusedBy(running, "maxmemory-policy", "volatile-lru", "noeviction");
            assertIsRefusedBy(new ConnectionCheck(false, false), "volatile-lru");
        }
    }

    @Test
    void aRedisThatDoesNotTellIsRefusedUnlessItIsUnchecked() {
        try (Jedis admin = admin()) {
            admin.aclSetUser("default", "-config", "-info");
        }

        assertIsRefusedBy(running, "CONFIG GET", "REDIS_DURABILITY=unchecked");
        assertIsServedBy(new ConnectionCheck(false, true));
    }

    @Test
    void otherDataAreRefusedByEveryServiceUntilTheRightDataAreBack() throws IOException {
        use("empty");
        assertIsRefusedBy(running, "other data");
        assertIsRefusedBy(new ConnectionCheck(true, true), "other data");

        use("data");
        assertIsServedBy(running);
        assertIsServedBy(new ConnectionCheck(true, true));
    }

    @Test
    void dataThatAnotherServiceHasMarkedAreRefused() throws IOException {
        use("other");
        ConnectionCheck other = new ConnectionCheck(true, true);
        assertIsServedBy(other);

        assertIsRefusedBy(running, "other data");
        assertIsRefusedBy(other, "other data");

        use("data");
        assertIsServedBy(other);
    }

    @Test
    void aPersonCanAcceptOtherData() throws IOException {
        use("empty");
        ConnectionCheck later = new ConnectionCheck(true, true);
        assertIsRefusedBy(running, "other data");
        assertIsRefusedBy(later, "other data");
        try (Jedis admin = admin()) {
            admin.set(ConnectionCheck.MARK, admin.get(ConnectionCheck.MARK).substring(ConnectionCheck.LOST.length()));
        }

        assertIsServedBy(running);
        assertIsServedBy(later);
    }

    @Test
    void dataWithoutMarkServeWhileRedisRefusesWrites() {
        try (Jedis admin = admin()) {
            admin.del(ConnectionCheck.MARK);
            admin.configSet("maxmemory", "1");

            ConnectionCheck updated = new ConnectionCheck(true, true);
            assertIsServedBy(updated);
            assertThat(admin.get(ConnectionCheck.MARK)).isNull();

            admin.configSet("maxmemory", "0");
            assertIsServedBy(updated);
            assertThat(admin.get(ConnectionCheck.MARK)).isNotEmpty();
        }
    }

    @Test
    void aRedisThatDoesNotServeYetIsNotCalledUnsafe() {
        try (Jedis admin = admin()) {
            admin.aclSetUser("default", "-get");
        }

        assertThatThrownBy(() -> check(running)).isInstanceOf(JedisDataException.class);
    }
}
