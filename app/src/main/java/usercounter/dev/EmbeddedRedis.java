package usercounter.dev;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.logging.Logger;
import java.util.stream.Stream;
import usercounter.DefaultRedis;
import usercounter.InvalidSettingException;
import usercounter.RedisAddress;
import usercounter.ServiceStart;

/**
 * The Redis of {@code ./mvnw -pl app liberty:run}. This package and embedded-redis are on the class path of development
 * and tests only; the WAR is packaged without them (see app/pom.xml).
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
                    "REDIS_URL", "", "not set, and the embedded Redis cannot stand in: " + e.getMessage());
        }
        LOG.log(ServiceStart.AUDIT, "REDIS_URL is not set: a Redis of its own keeps its data in {0}", folder);
        return RedisAddress.parse("REDIS_URL", "127.0.0.1:" + server.port());
    }

    /** {@code app/.redis-data}, from wherever below app/ the server runs: outside target/, so that clean keeps it. */
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
