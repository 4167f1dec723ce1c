package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClient;
import usercounter.dev.RedisServer;
import usercounter.testkit.PackagedServer;

/** The log of the packaged server with the variables of the image, without tracing. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LogsIT {

    private static final Pattern VARIABLE = Pattern.compile("(WLP_LOGGING_\\w+)=(\\S+)");

    @TempDir
    static Path folder;

    @AutoClose
    static RedisServer redis;

    @AutoClose
    static PackagedServer server;

    @BeforeAll
    static void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        Map<String, String> environment = imageVariables();
        environment.put("REDIS_URL", "127.0.0.1:" + redis.port());
        server = PackagedServer.start(folder, environment);
    }

    /** The variables of the image that are about the log. */
    static Map<String, String> imageVariables() throws IOException {
        Map<String, String> variables = new HashMap<>();
        VARIABLE.matcher(Files.readString(Path.of("Containerfile")))
                .results()
                .forEach(variable -> variables.put(variable.group(1), variable.group(2)));
        assertThat(variables).containsEntry("WLP_LOGGING_CONSOLE_FORMAT", "JSON");
        return variables;
    }

    /** The lines of a server that contain a text. */
    static List<JsonObject> lines(PackagedServer server, String text) {
        return server.log()
                .lines()
                .filter(line -> line.startsWith("{") && line.contains(text))
                .map(line -> Json.createReader(new StringReader(line)).readObject())
                .toList();
    }

    @Test
    void eachLineHasSeverityTimeAndMessage() {
        assertThat(lines(server, "")).isNotEmpty().allSatisfy(line -> {
            assertThat(line.getString("severity")).isIn("AUDIT", "WARNING", "SEVERE");
            assertThat(line.getString("time")).startsWith("20");
            assertThat(line.getString("message")).isNotBlank();
            assertThat(line).doesNotContainKey("trace_id");
        });
        assertThat(lines(server, "numbers in"))
                .singleElement()
                .satisfies(line -> assertThat(line).doesNotContainKey("request_id"));
    }

    @Test
    void theReasonOfA500AndOfA503IsOneLineWithTheFirstRequest() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            client.set("user:{text}", "abc");
            client.configSet("maxmemory", "1");
            for (int i = 0; i < 10; i++) {
                assertThat(server.post("/users/full", "X-Request-ID", "full-" + i)
                                .statusCode())
                        .isEqualTo(503);
                assertThat(server.get("/users/text", "X-Request-ID", "text-" + i)
                                .statusCode())
                        .isEqualTo(500);
            }
            client.configSet("maxmemory", "0");
        }

        assertThat(lines(server, "OOM")).singleElement().satisfies(line -> {
            assertThat(line.getString("severity")).isEqualTo("WARNING");
            assertThat(line.getString("request_id")).isEqualTo("full-0");
        });
        assertThat(lines(server, "is no number")).singleElement().satisfies(line -> {
            assertThat(line.getString("severity")).isEqualTo("SEVERE");
            assertThat(line.getString("request_id")).isEqualTo("text-0");
        });
    }

    /** Liberty answers these requests itself, and would log a warning for each. */
    @Test
    void aPathBelowOneOfLibertysIsNoLine() {
        assertThat(server.get("/health/no-such-check").statusCode()).isEqualTo(404);

        assertThat(lines(server, "no-such-check")).isEmpty();
    }

    @Test
    void withoutTracingTheServerLoadsNothingOfOpenTelemetry() throws IOException {
        server.get("/users/a", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        assertThat(Files.readString(folder.resolve("logs/messages.log")))
                .contains("CWWKF0012I", "restfulWS-4.0")
                .doesNotContain("mpTelemetry", "OpenTelemetry");
    }
}
