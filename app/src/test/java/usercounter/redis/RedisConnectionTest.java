package usercounter.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.JedisClientConfig;
import usercounter.settings.RedisAddress;
import usercounter.settings.Settings;

class RedisConnectionTest {

    @Test
    void aHostThatTakesNoConnectionIsTriedAgainWithinTheTimeout() {
        Settings settings = new Settings(
                1323,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                Duration.ofSeconds(2),
                Duration.ofHours(24));

        JedisClientConfig config =
                RedisConnection.clientConfig(RedisAddress.parse("REDIS_URL", "localhost:6379"), settings);

        assertThat(config.getConnectionTimeoutMillis()).isBetween(1, config.getSocketTimeoutMillis() / 2);
    }
}
