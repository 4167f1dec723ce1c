package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import usercounter.testkit.PackagedServer;

/** An invalid setting ends the start at once, with one line that says what to repair. */
class SettingsIT {

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "PORT, 99999, 'PORT=99999: allowed are 1 to 65535'",
        "PORT, abc, 'PORT=abc: allowed are 1 to 65535'",
        "REDIS_URL, redis://ann:secret@redis:x, 'REDIS_URL=redis://***@redis:x: allowed are host:port'",
        "REDIS_TIMEOUT, never, 'REDIS_TIMEOUT=never: allowed are 100ms to 60s'",
        "IDEMPOTENCY_KEY_TTL, 1s, 'IDEMPOTENCY_KEY_TTL=1s: allowed are 60s to 168h'",
        "REDIS_URL, '', 'REDIS_URL=: allowed are host:port'",
        "REDIS_PASSWORD_FILE, '${x}', 'REDIS_PASSWORD_FILE=${x}: allowed is a readable UTF-8 file'",
    })
    void isNamedWithItsValueAndWhatIsAllowed(String variable, String value, String message) {
        Map<String, String> environment = new HashMap<>(Map.of("REDIS_URL", "127.0.0.1:6379"));
        environment.put(variable, value);
        assertFails(environment, message);
    }

    @Test
    void aPortInUse() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("0.0.0.0"))) {
            String port = Integer.toString(taken.getLocalPort());
            assertFails(
                    Map.of("REDIS_URL", "127.0.0.1:6379", "PORT", port),
                    "PORT=" + port + ": another process listens on this port");
        }
    }

    private void assertFails(Map<String, String> environment, String message) {
        try (PackagedServer server = PackagedServer.launch(folder, environment)) {
            assertThat(server.awaitExit()).isEqualTo(1);
            assertThat(server.log(message)).hasSize(1);
            assertThat(server.log()).doesNotContain("secret", "\tat ");
        }
    }
}
