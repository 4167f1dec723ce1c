package usercounter.redis.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisMovedDataException;

class ErrorTypeTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "OOM command not allowed when used memory > 'maxmemory'. | OOM",
                "READONLY You can't write against a read only replica.   | READONLY",
                "ERR value is not an integer or out of range             | ERR",
                "ERR Error running script (call to f_0): @user_script:1: -WRONGTYPE Operation against a key | WRONGTYPE",
                "HOSTILE text of somebody                                | _OTHER",
                "user:{249}                                              | _OTHER",
                "''                                                      | _OTHER",
            })
    void theTypeOfAnErrorReplyIsOneOfTheKnownCodes(String reply, String type) {
        assertThat(ErrorType.of(new JedisDataException(reply))).isEqualTo(type);
    }

    @Test
    void theTypeOfAFailureWithoutReplyIsItsKind() {
        assertThat(ErrorType.of(new TimeoutException())).isEqualTo("timeout");
        assertThat(ErrorType.of(new JedisConnectionException(new SocketTimeoutException())))
                .isEqualTo("timeout");
        assertThat(ErrorType.of(new JedisConnectionException(new ConnectException())))
                .isEqualTo("connection");
        assertThat(ErrorType.of(new JedisClusterOperationException("No node is known")))
                .isEqualTo("connection");
        assertThat(ErrorType.of(new JedisMovedDataException("MOVED 1 b:1", new HostAndPort("b", 1), 1)))
                .isEqualTo("MOVED");
        assertThat(ErrorType.of(new RejectedExecutionException())).isEqualTo("rejected");
        assertThat(ErrorType.of(new NumberFormatException("user:{249}"))).isEqualTo("_OTHER");
    }
}
