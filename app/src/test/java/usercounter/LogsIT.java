package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertProblem;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import usercounter.another.VisitsResource;
import usercounter.testkit.JsonLog;
import usercounter.testkit.ServerOnRedis;

/** The log of the packaged server with the variables of the image, without tracing. */
class LogsIT {

    @RegisterExtension
    static final ServerOnRedis server =
            new ServerOnRedis(VisitsResource.class).withVariablesIn("Containerfile", "WLP_LOGGING_\\w+");

    @Test
    void eachLineHasSeverityTimeAndMessage() {
        assertThat(JsonLog.lines(server.log(), "")).isNotEmpty().allSatisfy(line -> {
            assertThat(line.getString("severity")).isIn("AUDIT", "WARNING", "SEVERE");
            assertThat(line.getString("time")).startsWith("20");
            assertThat(line.getString("message")).isNotBlank();
            assertThat(line).doesNotContainKey("trace_id");
        });
        assertThat(JsonLog.lines(server.log(), "numbers in"))
                .singleElement()
                .satisfies(line -> assertThat(line).doesNotContainKey("request_id"));
    }

    @Test
    void theReasonOfA503IsOneLineWithTheFirstRequest() {
        try (Jedis client = server.jedis()) {
            client.configSet("maxmemory", "1");
            for (int i = 0; i < 10; i++) {
                assertProblem(server.post("/visits/full", "X-Request-ID", "full-" + i), 503);
            }
            client.configSet("maxmemory", "0");
        }

        assertThat(JsonLog.lines(server.log(), "OOM")).singleElement().satisfies(line -> {
            assertThat(line.getString("severity")).isEqualTo("WARNING");
            assertThat(line.getString("request_id")).isEqualTo("full-0");
        });
    }

    /** Liberty answers these requests itself, and would log a warning for each. */
    @Test
    void aPathBelowOneOfLibertysIsNoLine() {
        assertThat(server.get("/health/no-such-check").statusCode()).isEqualTo(404);

        assertThat(JsonLog.lines(server.log(), "no-such-check")).isEmpty();
    }

    @Test
    void withoutTracingTheServerLoadsNothingOfOpenTelemetry() {
        server.get("/visits/a", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        assertThat(server.packaged().messages())
                .contains("CWWKF0012I", "restfulWS-4.0")
                .doesNotContain("mpTelemetry", "OpenTelemetry");
    }
}
