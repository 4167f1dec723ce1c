package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;
import usercounter.dev.RedisServer;

/** How a Redis with the configuration of base/ loads an append-only file after a crash. */
class RedisConfigurationIT {

    private static final Path CONFIGURATION = Path.of("..", "base", "redis", "redis.conf");
    private static final int COUNT = 100;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void count() throws IOException {
        try (RedisServer redis = start();
                RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            for (int i = 0; i < COUNT; i++) {
                client.incr("count");
            }
            redis.kill();
        }
        file = folder.resolve("appendonlydir").resolve("appendonly.aof.1.incr.aof");
    }

    @Test
    void aCommandThatIsCutOffAtTheEndIsDroppedAndNothingElse() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        Files.writeString(file, "*2\r\n$4\r\nINCR\r\n$5\r\nco", StandardOpenOption.APPEND);

        assertThat(countAfterARestart()).isEqualTo(COUNT + "");

        assertThat(file).hasBinaryContent(whole);
    }

    @Test
    void aFileThatIsDamagedElsewhereKeepsRedisFromStartingAndStaysAsItIs() throws IOException {
        byte[] damaged = Files.readAllBytes(file);
        Arrays.fill(damaged, damaged.length / 2, damaged.length / 2 + 10, (byte) 0);
        Files.write(file, damaged);

        assertThatThrownBy(this::countAfterARestart);

        assertThat(folder.resolve("redis.log")).content(StandardCharsets.UTF_8).contains("Bad file format");
        assertThat(file).hasBinaryContent(damaged);
    }

    private String countAfterARestart() throws IOException {
        try (RedisServer redis = start();
                RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            return client.get("count");
        }
    }

    private RedisServer start() throws IOException {
        Path configuration = Files.writeString(
                folder.resolve("redis.conf"), Files.readString(CONFIGURATION).replace("dir /data", "dir " + folder));
        return InstalledRedis.start(folder, RedisServer.freePort(), "--include", configuration.toString());
    }
}
