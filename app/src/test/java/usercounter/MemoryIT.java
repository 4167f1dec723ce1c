package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.RegisterExtension;
import usercounter.another.VisitsResource;
import usercounter.testkit.ServerOnRedis;

/** The server with the JVM options of the image stays within the memory of its container. */
@EnabledOnOs(OS.LINUX)
class MemoryIT {

    /** The limit of the container, in MiB: base/backend/deployment.yaml. */
    private static final int LIMIT = 512;

    private static final int CONNECTIONS = 2_000;
    private static final int ROUNDS = 40;

    private static final byte[] REQUEST =
            "POST /visits/many HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    @RegisterExtension
    final ServerOnRedis server = new ServerOnRedis(VisitsResource.class)
            .with(Map.of("JVM_ARGS", optionsOfTheImage(), "REDIS_TIMEOUT", "20s")); // long enough for a busy machine

    private final List<Socket> connections = new ArrayList<>();

    @Test
    void requestsOnTwoThousandConnectionsAtOnceNeedNoMoreThanTheContainerHas() throws IOException {
        try {
            for (int i = 0; i < CONNECTIONS; i++) {
                connections.add(server.connect());
            }
            for (int round = 0; round < ROUNDS; round++) {
                for (Socket connection : connections) {
                    connection.getOutputStream().write(REQUEST);
                }
                for (Socket connection : connections) {
                    skipAnswer(connection);
                }
            }
        } finally {
            for (Socket connection : connections) {
                connection.close();
            }
        }

        assertThat(server.get("/visits/many").body()).isEqualTo(Integer.toString(CONNECTIONS * ROUNDS));
        assertThat(server.packaged().peakMemory()).isLessThan(LIMIT);
    }

    /** With the container's memory instead of this machine's. */
    private static String optionsOfTheImage() {
        try (Stream<String> lines = Files.lines(Path.of("src/main/container/jvm.options"))) {
            return lines.filter(line -> line.startsWith("-"))
                    .collect(Collectors.joining(
                            " ", "-XX:+IgnoreUnrecognizedVMOptions -XX:MaxRAM=%dm ".formatted(LIMIT), ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void skipAnswer(Socket connection) throws IOException {
        byte[] answer = new byte[4096];
        int length = 0;
        String text = "";
        while (!text.matches("(?s)HTTP/1.1 200 .*\r\n\r\n\\d+")) {
            int read = connection.getInputStream().read(answer, length, answer.length - length);
            assertThat(read).as("%s; the log:%n%s", text, server.log()).isPositive();
            length += read;
            text = new String(answer, 0, length, StandardCharsets.US_ASCII);
        }
    }
}
