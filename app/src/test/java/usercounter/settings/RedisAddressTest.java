package usercounter.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedisAddressTest {

    @ParameterizedTest
    @CsvSource({
        "redis:6379,                   redis://redis:6379/0",
        "redis,                        redis://redis:6379/0",
        "10.0.0.1:7000,                redis://10.0.0.1:7000/0",
        "redis://redis,                redis://redis:6379/0",
        "redis://redis/,               redis://redis:6379/0",
        "redis://redis:7000/3,         redis://redis:7000/3",
        "rediss://cache.example:6380,  rediss://cache.example:6380/0",
        "redis://[::1]:6379,           redis://[::1]:6379/0",
        "redis://:secret@redis:6379/1, redis://redis:6379/1",
        "redis-cluster://redis,        redis-cluster://redis:6379",
        "rediss-cluster://:x@redis:1,  rediss-cluster://redis:1",
        "'redis-cluster://a,b:7000,[::1]:7001', 'redis-cluster://a:6379,b:7000,[::1]:7001'",
    })
    void understands(String text, String address) {
        assertThat(RedisAddress.parse("REDIS_URL", text)).hasToString(address);
    }

    @Test
    void keepsUserAndPasswordOutOfSight() {
        RedisAddress address = RedisAddress.parse("REDIS_URL", "redis://ann:p%40ss%2Fw+rd@redis:6379/0");

        assertThat(address.user()).isEqualTo(Optional.of("ann"));
        assertThat(address.password()).isEqualTo(Optional.of("p@ss/w+rd"));
        assertThat(address).hasToString("redis://redis:6379/0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis://backend@redis", "redis-cluster://backend:@a,b"})
    void takesAUserWhosePasswordIsElsewhere(String text) {
        RedisAddress address = RedisAddress.parse("REDIS_URL", text);

        assertThat(address.user()).isEqualTo(Optional.of("backend"));
        assertThat(address.password()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis:port",
                "redis:0",
                "redis:65536",
                "http://redis:6379",
                "redis://",
                "redis://redis/db",
                "redis://redis/12345",
                "redis://@redis",
                "redis://ann@redis:x",
                "redis://redis?x=1",
                "redis://redis#x",
                "redis://a,b",
                "redis-cluster://a,",
                "redis-cluster://a/0",
                "redis-sentinel://a",
                "redis redis",
                "redis://re dis",
            })
    void refuses(String text) {
        assertThatThrownBy(() -> RedisAddress.parse("REDIS_URL", text))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessage("REDIS_URL=" + text.replaceFirst("//\\w*@", "//***@") + ": " + RedisAddress.ALLOWED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "redis://ann:secret@redis:x",
                "ann:secret@redis:6379",
                "redis://:sec/ret@redis",
                "redis://:sec%zzret@redis",
                "redis-cluster://:secret@redis/0",
                "http://:secret@x",
                "redis://:sec\nret@redis\n"
            })
    void neverRepeatsAPassword(String text) {
        assertThatThrownBy(() -> RedisAddress.parse("REDIS_URL", text))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("REDIS_URL=")
                .hasMessageNotContaining("sec")
                .hasMessageNotContaining("ret");
    }
}
