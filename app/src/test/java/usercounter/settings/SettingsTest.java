package usercounter.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {

    @TempDir
    Path folder;

    @Test
    void hasDefaultsForEverything() {
        assertThat(settings(Map.of()))
                .isEqualTo(new Settings(
                        1323,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        0,
                        Settings.Durability.CHECKED,
                        Duration.ofSeconds(2),
                        Duration.ofHours(24)));
    }

    @Test
    void readsEveryVariable() throws IOException {
        Path password = Files.writeString(folder.resolve("password"), "secret\n");

        Settings settings = settings(Map.of(
                "PORT", "8080",
                "REDIS_URL", "redis:6379",
                "REDIS_PASSWORD_FILE", password.toString(),
                "REDIS_REPLICAS", "1",
                "REDIS_DURABILITY", "unchecked",
                "REDIS_TIMEOUT", "500ms",
                "IDEMPOTENCY_KEY_TTL", "168h"));

        assertThat(settings.port()).isEqualTo(8080);
        assertThat(settings.redis()).hasToString("Optional[redis://redis:6379/0]");
        assertThat(settings.redisReplicas()).isEqualTo(1);
        assertThat(settings.redisDurability()).isEqualTo(Settings.Durability.UNCHECKED);
        assertThat(settings.redisTimeout()).isEqualTo(Duration.ofMillis(500));
        assertThat(settings.idempotencyKeyTtl()).isEqualTo(Duration.ofDays(7));
        assertThat(settings.redisPasswordFile()).contains(password);
        assertThat(Settings.password(password)).isEqualTo("secret");
    }

    @ParameterizedTest
    @CsvSource({
        "PORT, 0, 'PORT=0: allowed are 1 to 65535'",
        "PORT, 65536, 'PORT=65536: allowed are 1 to 65535'",
        "PORT, tcp://10.0.0.1:1323, 'PORT=tcp://10.0.0.1:1323: allowed are 1 to 65535'",
        "REDIS_TIMEOUT, 2, 'REDIS_TIMEOUT=2: allowed are 100ms to 60s, as in 500ms or 2s'",
        "REDIS_TIMEOUT, 99ms, 'REDIS_TIMEOUT=99ms: allowed are 100ms to 60s, as in 500ms or 2s'",
        "REDIS_TIMEOUT, 61s, 'REDIS_TIMEOUT=61s: allowed are 100ms to 60s, as in 500ms or 2s'",
        "REDIS_TIMEOUT, -1s, 'REDIS_TIMEOUT=-1s: allowed are 100ms to 60s, as in 500ms or 2s'",
        "REDIS_TIMEOUT, 1h, 'REDIS_TIMEOUT=1h: allowed are 100ms to 60s, as in 500ms or 2s'",
        "IDEMPOTENCY_KEY_TTL, 24, 'IDEMPOTENCY_KEY_TTL=24: allowed are 60s to 168h, as in 600s or 24h'",
        "IDEMPOTENCY_KEY_TTL, 59s, 'IDEMPOTENCY_KEY_TTL=59s: allowed are 60s to 168h, as in 600s or 24h'",
        "IDEMPOTENCY_KEY_TTL, 169h, 'IDEMPOTENCY_KEY_TTL=169h: allowed are 60s to 168h, as in 600s or 24h'",
        "REDIS_REPLICAS, -1, 'REDIS_REPLICAS=-1: allowed are 0 to 5'",
        "REDIS_DURABILITY, no, 'REDIS_DURABILITY=no: allowed are checked and unchecked'",
        "REDIS_REPLICAS, 6, 'REDIS_REPLICAS=6: allowed are 0 to 5'",
        "REDIS_TIMEOUT, '2s\n', 'REDIS_TIMEOUT=2s?: allowed are 100ms to 60s, as in 500ms or 2s'",
        "REDIS_CA_FILE, /nowhere, 'REDIS_CA_FILE=/nowhere: allowed only where REDIS_URL is for TLS, as in rediss://…'",
        "REDIS_PASSWORD_FILE, /nowhere, 'REDIS_PASSWORD_FILE=/nowhere: allowed is a readable UTF-8 file that is not empty'",
    })
    void namesVariableValueAndWhatIsAllowed(String variable, String value, String message) {
        assertThatThrownBy(() -> settings(Map.of(variable, value)))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessage(message);
    }

    @Test
    void refusesAPasswordFileThatCannotBeRead() throws IOException {
        Files.writeString(folder.resolve("empty"), "\n");
        Files.write(folder.resolve("latin-1"), new byte[] {'p', (byte) 0xE4, 's', 's'});

        for (String file : unreadable("empty", "latin-1")) {
            assertThatThrownBy(() -> settings(Map.of("REDIS_PASSWORD_FILE", file)))
                    .isInstanceOf(InvalidSettingException.class)
                    .hasMessage("REDIS_PASSWORD_FILE=" + file.replace('\0', '?')
                            + ": allowed is a readable UTF-8 file that is not empty");
        }
    }

    @Test
    void refusesAFileWithoutCertificates() throws IOException {
        Files.writeString(folder.resolve("none"), "none");
        Files.writeString(folder.resolve("damaged"), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");

        for (String file : unreadable("none", "damaged")) {
            assertThatThrownBy(() -> settings(Map.of("REDIS_URL", "rediss://redis", "REDIS_CA_FILE", file)))
                    .isInstanceOf(InvalidSettingException.class)
                    .hasMessage("REDIS_CA_FILE=" + file.replace('\0', '?')
                            + ": allowed is a readable file of PEM certificates");
        }
    }

    /** The paths of these files, and unreadable paths: a missing file, a folder, memory, an invalid name. */
    private List<String> unreadable(String... files) {
        return Stream.concat(
                        Stream.of(files).map(file -> folder.resolve(file).toString()),
                        Stream.of("/nowhere", folder.toString(), "/proc/self/mem", folder + "/a\0b"))
                .toList();
    }

    @Test
    void refusesTwoPasswords() throws IOException {
        Path password = Files.writeString(folder.resolve("password"), "secret");

        assertThatThrownBy(() -> settings(
                        Map.of("REDIS_URL", "redis://:other@redis", "REDIS_PASSWORD_FILE", password.toString())))
                .hasMessageContaining("only where REDIS_URL has no password of its own");
    }

    @ParameterizedTest
    @ValueSource(strings = {"redis://ann@redis", "redis://ann:@redis"})
    void refusesAUserWithoutAPassword(String url) {
        assertThatThrownBy(() -> settings(Map.of("REDIS_URL", url)))
                .hasMessage("REDIS_URL=redis://redis:6379/0: its user needs a password: add it, or set"
                        + " REDIS_PASSWORD_FILE");
    }

    private static Settings settings(Map<String, String> environment) {
        return Settings.from(name -> Optional.ofNullable(environment.get(name)));
    }
}
