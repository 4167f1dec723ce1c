package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** What is shipped, and above all what is not. */
class PackageIT {

    @Test
    void nothingOfDevelopmentIsInTheWar() throws IOException {
        assertThat(entries("war"))
                .contains("WEB-INF/classes/usercounter/UsersResource.class")
                .noneMatch(name -> name.contains("usercounter/dev/") || name.contains("embedded-redis"));
    }

    @Test
    void theServerHasNoSecretAndNoFileOfThisMachine() throws IOException {
        assertThat(entries("server.zip"))
                .contains("wlp/usr/servers/user-counter/apps/user-counter.war")
                .noneMatch(name -> name.endsWith(".war.xml") || name.contains("resources/security"));
        try (ZipFile zip = new ZipFile(System.getProperty("server.zip"))) {
            ZipEntry environment = zip.getEntry("wlp/usr/servers/user-counter/server.env");
            assertThat(new String(zip.getInputStream(environment).readAllBytes(), StandardCharsets.UTF_8))
                    .doesNotContain("password=");
        }
    }

    private static List<String> entries(String property) throws IOException {
        try (ZipFile zip = new ZipFile(System.getProperty(property))) {
            return zip.stream().map(ZipEntry::getName).toList();
        }
    }
}
