package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** {@code components/tracing} with a real Jaeger: a request through the load balancer is found by its id. */
@Order(6)
@ExtendWith(Deployed.class)
class TracingIT {

    private static final int REQUESTS = 2_000;
    private static final String NAMESPACE = "observability";
    private static final String JAEGER = "tests/src/test/resources/jaeger.yaml";

    @BeforeAll
    static void takeTheComponent() {
        Shell.run("kubectl", "apply", "--filename=" + JAEGER);
        // CI may still build its image.
        Cluster.kubectlIn(NAMESPACE, "wait", "--for=condition=Available", "deployment/jaeger", "--timeout=14m");
        Load.during("start of tracing", REQUESTS, () -> {
            Documentation.run("components/tracing/README.md", "Use", "OVERLAY=tracing");
            Cluster.awaitRollouts();
        });
    }

    @AfterAll
    static void takeItBack() {
        Documentation.run("components/tracing/README.md", "Go back");
        Cluster.awaitRollouts();
        Cluster.awaitTermination();
        Shell.run("kubectl", "delete", "--filename=" + JAEGER, "--wait=false");
    }

    @Test
    void aRequestIsFoundByTheIdInTheLogOfNginx() {
        String user = Resource.newPath();
        assertThat(Http.postWithKey(Cluster.url(user), "key").body()).isEqualTo("1");

        Map<String, JsonObject> spans = spans(logged(user, "trace_id"));
        assertThat(spans).containsOnlyKeys("POST " + Resource.ROUTE, Resource.COMMAND, "wait", "batch");
        assertThat(parent(spans.get(Resource.COMMAND))).isEqualTo(id(spans.get("POST " + Resource.ROUTE)));
        assertThat(parent(spans.get("wait"))).isEqualTo(id(spans.get(Resource.COMMAND)));
        assertThat(parent(spans.get("batch"))).isEqualTo(id(spans.get(Resource.COMMAND)));
    }

    /** A field of the line about this path in the log of nginx. */
    private static String logged(String path, String field) {
        Pattern line = Pattern.compile(".*\"%s\":\"([^\"]*)\".*\"uri\":\"%s\".*".formatted(field, Pattern.quote(path)));
        String[] value = new String[1];
        Cluster.await("a line of nginx about " + path, Duration.ofSeconds(30), () -> {
            Matcher matcher =
                    line.matcher(Cluster.kubectl("logs", "--selector=app.kubernetes.io/name=frontend", "--tail=1000"));
            if (matcher.find()) {
                value[0] = matcher.group(1);
            }
            return value[0] != null;
        });
        return value[0];
    }

    /** The spans of a trace by name. The backend sends them some seconds after the request. */
    private static Map<String, JsonObject> spans(String trace) {
        Map<String, JsonObject> spans = new HashMap<>();
        Cluster.await("the trace " + trace + " in Jaeger", Duration.ofMinutes(1), () -> {
            try {
                Cluster.get(NAMESPACE, "jaeger:16686", "/api/traces/" + trace)
                        .asJsonObject()
                        .getJsonArray("data")
                        .getJsonObject(0)
                        .getJsonArray("spans")
                        .getValuesAs(JsonObject.class)
                        .forEach(span -> spans.put(span.getString("operationName"), span));
            } catch (IllegalArgumentException e) {
                // 404: Jaeger does not have the trace yet.
            }
            return spans.size() >= 4;
        });
        return spans;
    }

    private static String id(JsonObject span) {
        return span.getString("spanID");
    }

    private static String parent(JsonObject span) {
        return span.getJsonArray("references").getJsonObject(0).getString("spanID");
    }
}
