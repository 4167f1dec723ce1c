package usercounter;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import redis.clients.jedis.Jedis;
import usercounter.another.VisitsResource;
import usercounter.testkit.JsonLog;
import usercounter.testkit.Metrics;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.SpanReceiver;
import usercounter.testkit.Waiting;

/** The packaged server with the variables of {@code components/tracing}, a real Redis, and a receiver of spans. */
class TracingIT {

    @AutoClose
    static final SpanReceiver receiver = new SpanReceiver();

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis(VisitsResource.class)
            .withVariablesIn("../components/tracing/kustomization.yaml", "[A-Z_]+")
            .withVariablesIn("Containerfile", "WLP_LOGGING_\\w+")
            .with(Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    receiver.url(),
                    "REDIS_TIMEOUT",
                    "20s", // longer than any look at a request that waits
                    "OTEL_BSP_SCHEDULE_DELAY",
                    "100")); // milliseconds

    private int traces;

    /** A trace id that no other request has. */
    private String newTrace() {
        return "%032x".formatted(System.nanoTime() * 100 + traces++);
    }

    private static String[] headers(String trace) {
        return new String[] {"traceparent", "00-" + trace + "-b7ad6b7169203331-01"};
    }

    /** The spans of a trace by name, when there are as many. */
    private static Map<String, Span> spans(String trace, int number) {
        Waiting.until(
                number + " spans",
                Duration.ofSeconds(20),
                () -> receiver.spans(trace).size() >= number);
        List<Span> spans = receiver.spans(trace);
        assertThat(spans).hasSize(number);
        return spans.stream().collect(toMap(Span::getName, span -> span));
    }

    private static Map<String, String> attributes(Span span) {
        return span.getAttributesList().stream()
                .collect(toMap(
                        KeyValue::getKey,
                        attribute -> attribute.getValue().hasIntValue()
                                ? Long.toString(attribute.getValue().getIntValue())
                                : attribute.getValue().getStringValue()));
    }

    private static long nanos(Span span) {
        return span.getEndTimeUnixNano() - span.getStartTimeUnixNano();
    }

    private static void assertNested(Span parent, Span... children) {
        assertThat(children).allSatisfy(child -> {
            assertThat(child.getParentSpanId()).isEqualTo(parent.getSpanId());
            assertThat(child.getStartTimeUnixNano())
                    .isBetween(parent.getStartTimeUnixNano(), parent.getEndTimeUnixNano());
            assertThat(child.getEndTimeUnixNano()).isLessThanOrEqualTo(parent.getEndTimeUnixNano());
        });
    }

    @Test
    void aRequestItsCommandAndTheStepsOfTheCommand() {
        String trace = newTrace();
        server.post("/visits/anna", headers(trace));

        Map<String, Span> spans = spans(trace, 4);
        Span request = spans.get("POST /visits/{page}");
        Span command = spans.get("INCR");
        assertThat(request.getKind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
        assertThat(attributes(request))
                .containsEntry("http.route", "/visits/{page}")
                .containsEntry("http.response.status_code", "200");
        assertThat(command.getKind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
        assertThat(attributes(command)).isEqualTo(Map.of("db.system.name", "redis", "db.operation.name", "INCR"));
        assertThat(attributes(spans.get("batch"))).isEmpty();
        assertNested(request, command);
        assertThat(receiver.resource().getAttributesList())
                .extracting(KeyValue::getKey)
                .contains("service.name")
                .doesNotContain("process.command_line", "process.command_args");
        assertNested(command, spans.get("wait"), spans.get("batch"));
        assertThat(spans.get("wait").getEndTimeUnixNano())
                .isLessThanOrEqualTo(spans.get("batch").getStartTimeUnixNano());
    }

    /** Level 2 of the standard has a second flag. */
    @Test
    void aTraceWithARandomIdAndAState() {
        String trace = newTrace();
        server.get("/visits/anna", "traceparent", "00-" + trace + "-b7ad6b7169203331-03", "tracestate", "a=b");

        for (Span span : spans(trace, 4).values()) {
            assertThat(span.getTraceState()).isEqualTo("a=b");
        }
    }

    @Test
    void theCommandOfAGet() {
        String read = newTrace();
        server.get("/visits/anna", headers(read));

        assertThat(spans(read, 4)).containsOnlyKeys("GET /visits/{page}", "GET", "wait", "batch");
    }

    @Test
    void theTimeBeforeABatchIsNotItsOwnTime() throws Exception {
        server.get("/visits/b"); // opens the connection
        server.pauseWrites();
        String first = newTrace();
        var answer = server.postLater("/visits/b", headers(first));
        Waiting.until(
                "a batch in flight",
                () -> Metrics.of(server).value("db_client_connection_count{db_client_connection_state=\"used\"}") == 1);
        List<String> later = IntStream.range(0, 9).mapToObj(i -> newTrace()).toList();
        var answers = later.stream()
                .map(trace -> server.postLater("/visits/b", headers(trace)))
                .toList();
        Waiting.until(
                "nine commands that wait",
                () -> Metrics.of(server).value("db_client_connection_pending_requests") == 9);
        TimeUnit.MILLISECONDS.sleep(200);
        server.resumeWrites();
        answer.join();
        answers.forEach(CompletableFuture::join);

        Map<String, Span> alone = spans(first, 4);
        assertThat(nanos(alone.get("batch"))).isGreaterThan(200_000_000);
        assertThat(nanos(alone.get("wait"))).isLessThan(nanos(alone.get("batch")));
        for (String trace : later) {
            Map<String, Span> spans = spans(trace, 4);
            assertThat(attributes(spans.get("batch"))).isEqualTo(Map.of("db.operation.batch.size", "9"));
            assertThat(nanos(spans.get("wait"))).isGreaterThan(200_000_000);
            assertThat(nanos(spans.get("batch"))).isLessThan(nanos(spans.get("wait")));
        }
    }

    @Test
    void aFailureHasItsKindAndNoTextOfAUser() {
        String full = newTrace();
        try (Jedis client = server.jedis()) {
            client.configSet("maxmemory", "1");
            server.post("/visits/very-special", headers(full));
            client.configSet("maxmemory", "0");
        }
        server.pauseWrites(); // but Redis replies to the check of idle connections, so the request gets one of them
        String late = newTrace();
        server.post("/visits/very-special", headers(late));
        server.resumeWrites();

        assertThat(attributes(spans(full, 4).get("INCR"))).containsEntry("error.type", "OOM");
        assertThat(JsonLog.lines(server.log(), "OOM"))
                .singleElement()
                .satisfies(line -> assertThat(line.getString("trace_id")).isEqualTo(full));
        assertThat(attributes(spans(late, 4).get("INCR"))).containsEntry("error.type", "timeout");
        assertThat(receiver.spans())
                .noneMatch(span -> span.getName().contains("special"))
                .filteredOn(span -> span.getKind() != SpanKind.SPAN_KIND_SERVER)
                .noneMatch(span -> span.toString().contains("special"));
    }

    /** Only a request that a proxy or a client wants to be traced is traced: no probe, no scrape. */
    @Test
    void aRequestWithoutTraceparentHasNoTrace() {
        String last = newTrace();
        server.get("/health/ready");
        server.get("/metrics");
        server.get("/visits/untraced");
        server.get("/visits/a", "traceparent", "00-" + newTrace() + "-b7ad6b7169203331-00");
        server.get("/visits/a", "traceparent", "00-" + "0".repeat(32) + "-b7ad6b7169203331-01");
        server.get("/visits/a", "traceparent", "00-" + newTrace() + "-" + "0".repeat(16) + "-01");
        server.get("/visits/last", headers(last));

        spans(last, 4);
        assertThat(receiver.spans()).extracting(Span::getName).doesNotContain("GET /health/ready", "GET /metrics");
        assertThat(receiver.spans())
                .allSatisfy(
                        span -> assertThat(attributes(span).values()).doesNotContain("/visits/untraced", "/visits/a"));
    }
}
