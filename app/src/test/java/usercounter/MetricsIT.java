package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertProblem;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Jedis;
import usercounter.another.OrdersResource;
import usercounter.another.VisitsResource;
import usercounter.testkit.Metrics;
import usercounter.testkit.OpenApiDocument;
import usercounter.testkit.ServerOnRedis;
import usercounter.testkit.Waiting;

/** {@code /metrics} of the packaged server, with a real Redis. */
class MetricsIT {

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis(VisitsResource.class, OrdersResource.class)
            .with(Map.of("REDIS_TIMEOUT", "5s", "VERSION", "1.2.3", "REVISION", "0123abc"));

    /** The first scrape, before any request for a number. */
    private static Metrics first;

    private Metrics before;

    @BeforeAll
    static void scrapeFirst() {
        first = Metrics.of(server);
    }

    @BeforeEach
    void scrape() {
        before = Metrics.of(server);
    }

    /** By how much the value of a series has grown since the start of the test. */
    private double growth(String series) {
        return Metrics.of(server).value(series) - before.value(series);
    }

    private static String requests(String suffix, String method, String route, int status) {
        return "http_server_request_duration_seconds_%s{http_request_method=\"%s\",http_response_status_code=\"%d\",http_route=\"%s\"}"
                .formatted(suffix, method, status, route);
    }

    private static String commands(String suffix, String name, String errorType) {
        return "db_client_operation_duration_seconds_%s{db_operation_name=\"%s\",db_system_name=\"redis\",error_type=\"%s\"}"
                .formatted(suffix, name, errorType);
    }

    /** The series of a bucket of the histogram with this count. */
    private static String bucket(String count, String bound) {
        String series = count.replaceFirst("_count(?=\\{|$)", "_bucket");
        String labels = series.endsWith("}") ? series.substring(0, series.length() - 1) + "," : series + "{";
        return labels + "le=\"" + bound + "\"}";
    }

    /** Otherwise rate() would not see the first failures of a backend. */
    @Test
    void theSeriesThatTheObjectivesReadExistFromTheStart() {
        assertThat(OpenApiDocument.operations())
                .isNotEmpty()
                .allSatisfy(operation -> operation.statuses().stream()
                        .filter(status -> status == 200 || status >= 500)
                        .forEach(status -> {
                            String count = requests("count", operation.method(), operation.path(), status);
                            assertThat(first.series()).contains(count, bucket(count, "0.25"));
                        }));
    }

    @Test
    void requestsByMethodRouteAndStatus() {
        for (int i = 0; i < 3; i++) {
            server.post("/visits/a");
        }
        server.get("/visits/a");
        server.get("/visits/a", "Accept", "image/png");
        server.get("/orders/failures/400");
        server.get("/visits/a", "Accept", "malformed;;"); // answered by the error page
        server.get("/nothing");
        server.send("DELETE", "/visits/a");
        server.send("UNHEARD-OF", "/visits/a");
        server.get("/healthz");
        server.post("/metrics");

        assertThat(growth(requests("count", "POST", "/visits/{page}", 200))).isEqualTo(3);
        assertThat(growth(requests("count", "GET", "/visits/{page}", 200))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 406))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/orders/failures/{status}", 400)))
                .isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 400))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 404))).isEqualTo(1);
        assertThat(growth(requests("count", "DELETE", "/", 405))).isEqualTo(1);
        assertThat(growth(requests("count", "_OTHER", "/", 405))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/healthz", 200))).isEqualTo(1);
        assertThat(growth(requests("count", "POST", "/", 405))).isEqualTo(1);
    }

    @Test
    void commandsByNameAndError() {
        try (Jedis client = server.jedis()) {
            client.set("visits:{text}", "abc");
            client.rpush("visits:{list}", "abc");
            server.get("/visits/b");
            server.post("/visits/b");
            server.post("/visits/b");
            server.post("/visits/text");
            server.get("/visits/text"); // Redis does not know that it must be a number
            server.get("/visits/list");
            server.post("/visits/list");
            client.configSet("maxmemory", "1");
            server.post("/visits/b");
            client.configSet("maxmemory", "0");
        }

        assertThat(growth(commands("count", "GET", ""))).isEqualTo(2);
        assertThat(growth(commands("count", "INCR", ""))).isEqualTo(2);
        assertThat(growth(commands("count", "INCR", "ERR"))).isEqualTo(1);
        assertThat(growth(commands("count", "GET", "WRONGTYPE"))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", "WRONGTYPE"))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", "OOM"))).isEqualTo(1);
    }

    @Test
    void anOutageIsMeasuredWhileItLasts() {
        String timeouts = commands("count", "GET", "timeout");
        String unavailable = requests("count", "GET", "/visits/{page}", 503);
        server.redis().signal("STOP");
        assertThat(server.get("/visits/a").statusCode()).isEqualTo(503);

        assertThat(growth(timeouts)).isEqualTo(1);
        assertThat(growth(bucket(timeouts, "1.0"))).isZero();
        assertThat(growth(bucket(timeouts, "+Inf"))).isEqualTo(1);
        assertThat(growth(commands("sum", "GET", "timeout"))).isBetween(4.9, 60.0);
        assertThat(growth(unavailable)).isEqualTo(1);
        assertThat(growth(bucket(unavailable, "2.5"))).isZero();
        assertThat(growth(bucket(unavailable, "+Inf"))).isEqualTo(1);
        assertThat(growth(requests("sum", "GET", "/visits/{page}", 503))).isBetween(4.9, 60.0);

        server.redis().kill();
        assertThat(server.post("/visits/a").statusCode()).isEqualTo(503);

        assertThat(growth(commands("count", "INCR", "connection"))).isEqualTo(1);
        server.restartRedis();
        Waiting.until("recovery", () -> server.get("/visits/a").statusCode() == 200);
    }

    @Test
    void commandsThatWaitAndTheirBatch() {
        String pending = "db_client_connection_pending_requests";
        String used = "db_client_connection_count{db_client_connection_state=\"used\"}";
        String idle = "db_client_connection_count{db_client_connection_state=\"idle\"}";
        String batches = "redis_client_batch_commands_count";
        server.get("/visits/c"); // opens the connection
        assertThat(before.value(pending)).isZero();

        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        server.pauseWrites();
        answers.add(server.postLater("/visits/c"));
        Waiting.until("a batch in flight", () -> Metrics.of(server).value(used) == 1);
        assertThat(Metrics.of(server).value(idle)).isZero();
        for (int i = 0; i < 9; i++) {
            answers.add(server.postLater("/visits/c"));
        }
        Waiting.until("nine commands that wait", () -> Metrics.of(server).value(pending) >= 9);
        server.resumeWrites();

        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
        Waiting.until("an idle connection", () -> Metrics.of(server).value(idle) == 1);
        Metrics after = Metrics.of(server);
        assertThat(after.value(used)).isZero();
        assertThat(after.value(pending)).isZero();
        assertThat(growth(bucket(batches, "16.0")) - growth(bucket(batches, "8.0")))
                .isEqualTo(1);
        assertThat(growth(bucket(batches, "1.0"))).isPositive();
        assertThat(growth("redis_client_batch_commands_sum")).isGreaterThanOrEqualTo(11);
    }

    @Test
    void bucketsAndTheirBounds() {
        server.post("/visits/d");

        assertBuckets(
                requests("count", "POST", "/visits/{page}", 200), 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5);
        assertBuckets(commands("count", "INCR", ""), 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10);
        assertBuckets(
                "redis_client_batch_commands_count",
                IntStream.rangeClosed(0, 10).mapToDouble(i -> 1 << i).toArray());
    }

    private static void assertBuckets(String count, double... bounds) {
        Metrics metrics = Metrics.of(server);
        List<String> buckets = Stream.concat(
                        IntStream.range(0, bounds.length).mapToObj(i -> Double.toString(bounds[i])), Stream.of("+Inf"))
                .map(bound -> bucket(count, bound))
                .toList();
        String start = bucket(count, "").replaceAll("\"\"}$", "");

        assertThat(metrics.series().stream().filter(series -> series.startsWith(start)))
                .isEqualTo(buckets);
        assertThat(buckets.stream().map(metrics::value)).isSorted().last().isEqualTo(metrics.value(count));
        assertThat(metrics.value(count)).isPositive();
    }

    @Test
    void noTextOfAClientIsInALabelAndTheNumberOfSeriesIsBounded() throws IOException {
        sendHostile("very-special-first", 10);
        long few = seriesOfTheService();
        sendHostile("very-special-second", 2_000);

        Metrics metrics = Metrics.of(server);
        assertThat(metrics.series()).noneMatch(series -> series.contains("very-special") || series.contains("VERY"));
        assertThat(seriesOfTheService()).isEqualTo(few);
        System.out.printf(
                "series after 2,000 users and hostile requests: %d of the service, %d in total%n",
                few, metrics.series().size());
    }

    private static void sendHostile(String text, int users) throws IOException {
        for (int i = 0; i < users; i++) {
            String path = "/visits/" + text + "-" + i;
            server.post(path);
            server.get(path);
        }
        for (int i = 0; i < 20; i++) {
            String different = text + i;
            for (String path : new String[] {
                "/" + different,
                "/visits/" + different + "/",
                "/visits/" + different + "/x",
                "/visits/%7B" + different + "%7D",
                "/visits/%22" + different,
                "/visits/" + different + ";x",
                "/visits/a?" + different,
                "/metrics/" + different,
                "/health/" + different
            }) {
                for (String method : new String[] {"GET", "POST", "PUT", "VERY-SPECIAL-" + i, "get"}) {
                    server.send(method, path);
                }
            }
            server.get("/visits/a", "Accept", different + ";;");
            server.get("/visits/a", "Accept", different + "/" + different);
            server.exchange("GET", "/visits/%zz" + different);
            server.exchange("{" + different + "\"", "/");
        }
    }

    /** Without those of the JVM, which gets new threads and memory pools. */
    private static long seriesOfTheService() {
        return Metrics.of(server).series().stream()
                .filter(series -> !series.matches("(jvm|process)_.*"))
                .count();
    }

    @Test
    void readiness() throws Exception {
        server.get("/health/ready");
        assertThat(Metrics.of(server).value("user_counter_ready")).isEqualTo(1);

        server.redis().signal("STOP");
        server.get("/health/ready");
        assertThat(Metrics.of(server).value("user_counter_ready")).isZero();
    }

    @Test
    void theJvmTheProcessAndTheBuild() {
        assertThat(before.value("jvm_memory_used_bytes{area=\"heap\"}")).isGreaterThan(1_000_000);
        assertThat(before.value("jvm_threads_current")).isGreaterThan(5);
        assertThat(before.value("process_cpu_seconds_total")).isPositive();
        assertThat(before.value("process_start_time_seconds"))
                .isBetween(Instant.now().getEpochSecond() - 3_600.0, (double)
                        Instant.now().getEpochSecond());
        assertThat(before.series())
                .anyMatch(series -> series.startsWith("jvm_gc_collection_seconds_count{"))
                .anyMatch(series -> series.startsWith("jvm_memory_pool_used_bytes{"));
        assertThat(before.value("user_counter_build_info{revision=\"0123abc\",version=\"1.2.3\"}"))
                .isEqualTo(1);
    }

    /** The first value is that of Prometheus 3. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                        + "application/openmetrics-text;version=0.0.1;q=0.4,"
                        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                "application/openmetrics-text",
                "text/html",
                "*/*"
            })
    void theTextFormatWhateverTheClientAccepts(String accept) {
        Metrics metrics = Metrics.of(server.get("/metrics", "Accept", accept));

        assertThat(metrics.series()).containsAll(before.series());
    }

    @Test
    void otherMethodsThanGetAndHeadAreRefused() {
        HttpResponse<String> head = server.send("HEAD", "/metrics");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        for (String method : new String[] {"POST", "PUT", "DELETE"}) {
            assertProblem(server.send(method, "/metrics"), 405);
        }
        assertThat(server.log()).doesNotContain("\tat ");
    }
}
