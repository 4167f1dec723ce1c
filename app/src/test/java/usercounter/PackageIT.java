package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import usercounter.testkit.PackagedServer;

/** The contents of the packaged application and server. */
class PackageIT {

    @Test
    void nothingOfDevelopmentIsInTheWar() throws IOException {
        try (ZipFile war = new ZipFile(System.getProperty("war"))) {
            assertThat(war.stream().map(ZipEntry::getName))
                    .contains("WEB-INF/classes/usercounter/redis/RedisConnection.class")
                    .noneMatch(name -> name.contains("usercounter/dev/") || name.contains("embedded-redis"));
        }
    }

    @Test
    void theServerHasNoSecretAndNoFileOfThisMachine() throws IOException {
        Path server = PackagedServer.home().resolve("usr/servers/user-counter");
        try (Stream<Path> files = Files.walk(server)) {
            assertThat(files.filter(Files::isRegularFile)
                            .map(file -> server.relativize(file).toString()))
                    .contains("apps/user-counter.war")
                    .allMatch(name ->
                            name.matches("(server|tracing).xml|server.env|apps/user-counter.war|workarea/.sLock"));
        }
        assertThat(server.resolve("server.env")).content().doesNotContain("password=");
    }
}
