package usercounter.redis.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.redis.telemetry.OutageLog.Operation;

class OutageLogTest {

    /** Defines Liberty's level, which the class under test looks up by name. */
    private static final Level AUDIT = new Level("AUDIT", 850) {};

    private static final JedisDataException FULL = new JedisDataException("OOM command not allowed");

    private final Logger logger = Logger.getLogger(OutageLog.class.getName());
    private final List<String> lines = new ArrayList<>();
    private final List<Level> levels = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            lines.add(new SimpleFormatter().formatMessage(line));
            levels.add(line.getLevel());
        }

        @Override
        public void flush() {
            // nothing is buffered
        }

        @Override
        public void close() {
            // nothing to close
        }
    };

    private long now;
    private final OutageLog log = new OutageLog(() -> now);

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void forget() {
        logger.removeHandler(handler);
        logger.setUseParentHandlers(true);
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    @Test
    void anOutageIsALineAndItsEndAnother() {
        for (int i = 0; i < 1_000; i++) {
            log.failed("a:1", Operation.READS, new JedisConnectionException("refused"));
            log.failed("a:1", Operation.WRITES, new JedisConnectionException("refused"));
        }
        pass(Duration.ofSeconds(6));
        for (int i = 0; i < 1_000; i++) {
            log.served(() -> "a:1", Operation.READS);
        }

        assertThat(lines)
                .satisfiesExactly(
                        line -> assertThat(line).contains("a:1 does not serve anything", "refused"),
                        line -> assertThat(line).contains("a:1 serves anything again"));
        assertThat(levels).containsExactly(Level.WARNING, AUDIT);
    }

    @Test
    void readsThatSucceedDoNotEndAnOutageOfWrites() {
        for (int i = 0; i < 1_000; i++) {
            log.failed("a:1", Operation.WRITES, FULL);
            pass(Duration.ofSeconds(10));
            log.served(() -> "a:1", Operation.READS);
        }

        assertThat(lines)
                .singleElement()
                .satisfies(line -> assertThat(line).contains("a:1 does not serve writes", "OOM"));
    }

    @Test
    void failuresAndSuccessesInTurnAreOneOutage() {
        for (int i = 0; i < 1_000; i++) {
            log.failed("a:1", Operation.WRITES, new JedisDataException("TRYAGAIN"));
            pass(Duration.ofMillis(10));
            log.served(() -> "a:1", Operation.WRITES);
        }

        assertThat(lines).hasSize(1);
    }

    @Test
    void eachNodeHasOutagesOfItsOwn() {
        log.failed("a:1", Operation.READS, new JedisConnectionException("refused"));
        pass(Duration.ofSeconds(10));
        log.served(() -> "b:1", Operation.READS);
        log.failed("b:1", Operation.READS, new JedisConnectionException("refused"));

        assertThat(lines).hasSize(2).allMatch(line -> line.contains("does not serve"));
    }

    @Test
    void eachNewReasonIsALine() {
        for (int i = 0; i < 1_000; i++) {
            log.failed("a:1", Operation.READS, new TimeoutException());
            log.failed(
                    "a:1", Operation.READS, new JedisConnectionException(new SocketTimeoutException("Read timed out")));
            log.failed("a:1", Operation.READS, new JedisConnectionException("Unexpected end of stream."));
            log.failed("a:1", Operation.READS, connectionTo("redis", new ConnectException("refused")));
            log.failed("a:1", Operation.READS, connectionTo("redis", new SocketTimeoutException("Connect timed out")));
            log.failed(
                    "a:1",
                    Operation.READS,
                    new JedisConnectionException("Failed to create socket.", new UnknownHostException("redis")));
            log.failed("a:1", Operation.WRITES, FULL);
            log.failed("a:1", Operation.WRITES, new JedisDataException("OOM the same in other words"));
            log.failed("a:1", Operation.WRITES, new JedisDataException("ERR unknown command"));
            log.failed("a:1", Operation.WRITES, new JedisDataException("ERR another text"));
        }

        assertThat(lines)
                .satisfiesExactly(
                        line -> assertThat(line).contains("does not serve anything: ", "Timeout"),
                        line -> assertThat(line).contains("Unexpected end of stream"),
                        line -> assertThat(line).contains("refused"),
                        line -> assertThat(line).contains("Connect timed out"),
                        line -> assertThat(line).contains("UnknownHostException: redis"),
                        line -> assertThat(line).contains("does not serve writes: ", "OOM command not allowed"),
                        line -> assertThat(line).contains("ERR unknown command"),
                        line -> assertThat(line).contains("ERR another text"));
    }

    /** Like the exception of Jedis after it has tried each address of a name. */
    private static JedisConnectionException connectionTo(String host, IOException failure) {
        JedisConnectionException all = new JedisConnectionException("Failed to connect to %s.".formatted(host));
        all.addSuppressed(failure);
        return all;
    }

    @Test
    void theLinesOfAnOutageAreBounded() {
        for (int i = 0; i < 1_000; i++) {
            log.failed("a:1", Operation.READS, new JedisConnectionException("text " + i));
        }

        assertThat(lines).hasSize(10);
    }
}
