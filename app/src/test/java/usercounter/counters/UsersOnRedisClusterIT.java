package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Protocol;
import usercounter.testkit.Load;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.RedisUser;
import usercounter.testkit.ServerOnRedisCluster;

/** The users' numbers and their keys on a Redis Cluster. */
class UsersOnRedisClusterIT {

    @RegisterExtension
    static final ServerOnRedisCluster server = new ServerOnRedisCluster(RedisUser.documented("always"));

    @Test
    void theRedisUserNeedsExactlyTheDocumentedCommands() throws Exception {
        server.assertUserNeedsExactlyItsCommands(moving -> Stream.of(
                server.get("/users/any"),
                server.post("/users/any"),
                server.post("/users/any", IdempotencyKeyHeader.NAME, "\"k\""),
                server.post("/users/any", IdempotencyKeyHeader.NAME, "\"k\""),
                server.get("/users/" + moving),
                server.get("/health/ready")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "SET", "INCR"})
    void aForbiddenCommandKeepsThePostFromCounting(String forbidden) {
        String path = "/users/" + UUID.randomUUID();
        server.user().permitAllExcept(forbidden);
        try {
            for (int i = 0; i < 3; i++) {
                assertThat(postWithKey(path, "k").statusCode()).isEqualTo(503);
            }
        } finally {
            server.user().permitAllExcept();
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
        RedisCluster.Move move = server.cluster().new Move(RedisCluster.slotOf(id));
        if (!moved.isEmpty()) {
            move.keys(moved.replace("{u}", "{" + id + "}").split(" "));
        }

        assertThat(server.get(path).body()).isEqualTo("1");
        assertThat(server.post(path).body()).isEqualTo("2");
        // Until the slot has moved, Redis runs no script whose keys are on two nodes.
        var repeated = server.postLater(path, IdempotencyKeyHeader.NAME, "\"old\"");
        var first = server.postLater(path, IdempotencyKeyHeader.NAME, "\"new\"");
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
        RedisCluster.Move move = server.cluster().new Move(RedisCluster.slotOf(id));

        assertThat(server.get(path).body()).isEqualTo("0");
        assertThat(server.post(path).body()).isEqualTo("1");
        var first = server.postLater(path, IdempotencyKeyHeader.NAME, "\"new\"");
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
        Load load = ExactnessIT.startKeyed(4, 50, server);
        load.awaitMore(1_000);
        Stream.concat(
                        load.names().stream().map(RedisCluster::slotOf),
                        Stream.iterate(0, slot -> slot + 50).limit(Protocol.CLUSTER_HASHSLOTS / 50))
                .distinct()
                .limit(300)
                .forEach(slot -> server.cluster().new Move(slot).finish());
        load.awaitMore(1_000);
        load.stop();

        load.assertExact(server);
        load.printExact("Redis Cluster: 300 slots move to other primaries");
        assertThat(load.unanswered()).isZero();
    }
}
