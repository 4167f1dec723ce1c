package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertProblem;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientType;
import redis.clients.jedis.params.ClientKillParams;
import usercounter.dev.RedisServer;
import usercounter.testkit.InstalledRedis;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.Waiting;

/** Keys and REDIS_REPLICAS. */
class UsersOnReplicasIT {

    @RegisterExtension
    final ServerOnRedis server = new ServerOnRedis().onInstalledRedis().with(Map.of("REDIS_REPLICAS", "1"));

    @Test
    void aRepeatedKeyIsAcknowledgedWhenTheReplicaHasItsRecord(@TempDir Path folder) throws IOException {
        String[] key = {IdempotencyKeyHeader.NAME, "\"k\";ttl=600"};
        try (RedisServer replica =
                        InstalledRedis.startReplica(folder, server.redis(), "--masterauth", ServerOnRedis.PASSWORD);
                Jedis jedis = server.jedis()) {
            replica.signal("STOP");
            assertProblem(server.post("/users/a"), 503);
            assertProblem(server.post("/users/a", key), 503);
            long expires = jedis.pexpireTime("user:{a}:key:k");
            assertThat(expires).isPositive();
            // On a new connection, WAIT waits only for the writes of this connection.
            jedis.clientKill(new ClientKillParams().type(ClientType.NORMAL).skipMe(ClientKillParams.SkipMe.YES));
            for (int i = 0; i < 3; i++) {
                assertProblem(server.post("/users/a", key), 503);
            }
            replica.signal("CONT");

            Waiting.until("acknowledgement", () -> server.post("/users/a", key).statusCode() == 200);
            assertThat(server.post("/users/a", key).body()).isEqualTo("2");
            assertThat(server.get("/users/a").body()).isEqualTo("2");
            assertThat(jedis.pexpireTime("user:{a}:key:k")).isEqualTo(expires);
        }
    }
}
