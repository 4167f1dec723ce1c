package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import usercounter.dev.RedisServer;

/** A Redis that evicts keys when its memory is full could lose numbers or count a POST twice. */
class EvictionIT {

    @Test
    void isNamedAtTheStartInOneLine(@TempDir Path folder) throws IOException {
        try (RedisServer redis = RedisServer.start(
                        folder.resolve("redis"),
                        RedisServer.freePort(),
                        "--maxmemory",
                        "10mb",
                        "--maxmemory-policy",
                        "volatile-lru");
                PackagedServer server =
                        PackagedServer.launch(folder, Map.of("REDIS_URL", "127.0.0.1:" + redis.port()))) {
            Waiting.until("line", () -> server.log().contains("volatile-lru"));

            assertThat(server.log().lines().filter(line -> line.contains("maxmemory-policy")))
                    .singleElement()
                    .asString()
                    .contains("volatile-lru", "noeviction");
        }
    }
}
