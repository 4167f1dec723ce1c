package usercounter.dev;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.logging.Logger;
import java.util.stream.Stream;
import usercounter.LogLevel;
import usercounter.redis.DefaultRedis;
import usercounter.settings.InvalidSettingException;
import usercounter.settings.RedisAddress;

/**
 * The Redis of {@code ./mvnw -pl app liberty:run}. This package and embedded-redis are on the class path in development
 * and tests only. The WAR does not contain them (see app/pom.xml).
 */
@ApplicationScoped
public class EmbeddedRedis implements DefaultRedis {

    private static final Logger LOG = Logger.getLogger(EmbeddedRedis.class.getName());

    private RedisServer server;

    @Override
    public RedisAddress start() {
        Path folder = dataFolder();
        try {
            server = RedisServer.start(folder, RedisServer.freePort());
        } catch (IOException e) {
            throw new InvalidSettingException(
                    "REDIS_URL",
                    "",
                    "not set, and the embedded Redis does not start: " + e.getMessage()
                            + ". Set REDIS_URL to the address of a Redis, such as localhost:6379");
        }
        LOG.log(LogLevel.AUDIT, "REDIS_URL is not set: an embedded Redis keeps its data in {0}", folder);
        return RedisAddress.parse("REDIS_URL", "127.0.0.1:" + server.port());
    }

    /** {@code app/.redis-data}, whatever folder below app/ the server runs in. {@code clean} does not delete it. */
    private static Path dataFolder() {
        Path here = Path.of("").toAbsolutePath();
        return Stream.iterate(here, Objects::nonNull, Path::getParent)
                .filter(folder -> Files.exists(folder.resolve("pom.xml")))
                .findFirst()
                .orElse(here)
                .resolve(".redis-data");
    }

    @PreDestroy
    void stop() {
        if (server != null) {
            server.close();
        }
    }
}
