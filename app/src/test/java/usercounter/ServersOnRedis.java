package usercounter;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import usercounter.dev.RedisServer;
import usercounter.testkit.PackagedServer;

/** Starts a Redis and a packaged server for each test. A test may start a second server. */
abstract class ServersOnRedis {

    @TempDir
    Path folder;

    RedisServer redis;
    PackagedServer server;

    @BeforeEach
    void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        server = startServer("a");
    }

    @AfterEach
    void stop() {
        server.close();
        redis.close();
    }

    PackagedServer startServer(String name) throws IOException {
        return startServer(name, Map.of());
    }

    PackagedServer startServer(String name, Map<String, String> environment) throws IOException {
        Map<String, String> variables = new HashMap<>(environment);
        variables.put("REDIS_URL", "127.0.0.1:" + redis.port());
        return PackagedServer.start(Files.createDirectory(folder.resolve(name)), variables);
    }
}
