package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.RedisClient;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Metrics;
import usercounter.testkit.OpenApiDocument;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.PausedWrites;
import usercounter.testkit.Waiting;

/** {@code /metrics} of the packaged server, with a real Redis. */
class MetricsIT {

    private static final Duration REDIS_TIMEOUT = Duration.ofSeconds(5);

    @TempDir
    static Path folder;

    @AutoClose
    static RedisServer redis;

    @AutoClose
    static PackagedServer server;

    /** The first scrape, before any request for a number. */
    private static Metrics first;

    private Metrics before;

    @BeforeAll
    static void start() throws IOException {
        startRedis(RedisServer.freePort());
        server = PackagedServer.start(
                folder,
                Map.of(
                        "REDIS_URL",
                        "127.0.0.1:" + redis.port(),
                        "REDIS_TIMEOUT",
                        REDIS_TIMEOUT.toSeconds() + "s",
                        "VERSION",
                        "1.2.3",
                        "REVISION",
                        "0123abc"));
        first = Metrics.of(server);
    }

    private static void startRedis(int port) throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), port);
    }

    @BeforeEach
    void scrape() {
        before = Metrics.of(server);
    }

    @AfterEach
    void resume() {
        redis.signal("CONT");
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
            server.post("/users/a");
        }
        server.get("/users/a");
        server.get("/users/a", "Accept", "image/png");
        server.get("/users/%C3%A9");
        server.get("/users/a", "Accept", "malformed;;"); // answered by the error page
        server.get("/nothing");
        server.send("DELETE", "/users/a");
        server.send("UNHEARD-OF", "/users/a");
        server.get("/healthz");
        server.post("/metrics");

        assertThat(growth(requests("count", "POST", "/users/{id}", 200))).isEqualTo(3);
        assertThat(growth(requests("count", "GET", "/users/{id}", 200))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 406))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/users/{id}", 400))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 400))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/", 404))).isEqualTo(1);
        assertThat(growth(requests("count", "DELETE", "/", 405))).isEqualTo(1);
        assertThat(growth(requests("count", "_OTHER", "/", 405))).isEqualTo(1);
        assertThat(growth(requests("count", "GET", "/healthz", 200))).isEqualTo(1);
        assertThat(growth(requests("count", "POST", "/", 405))).isEqualTo(1);
    }

    @Test
    void commandsByNameAndError() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            client.set("user:{text}", "abc");
            client.rpush("user:{list}", "abc");
            server.get("/users/b");
            server.post("/users/b");
            server.post("/users/b");
            server.post("/users/b", IdempotencyKeyHeader.NAME, "\"k\"");
            server.post("/users/text");
            server.get("/users/text"); // Redis does not know that it must be a number
            server.get("/users/list");
            server.post("/users/list");
            client.configSet("maxmemory", "1");
            server.post("/users/b");
            client.configSet("maxmemory", "0");
        }

        assertThat(growth(commands("count", "GET", ""))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", ""))).isEqualTo(2);
        assertThat(growth(commands("count", "EVAL", ""))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", "ERR"))).isEqualTo(1);
        assertThat(growth(commands("count", "GET", "_OTHER"))).isEqualTo(1);
        assertThat(growth(commands("count", "GET", "WRONGTYPE"))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", "WRONGTYPE"))).isEqualTo(1);
        assertThat(growth(commands("count", "INCR", "OOM"))).isEqualTo(1);
    }

    @Test
    void anOutageIsMeasuredWhileItLasts() throws IOException {
        String timeouts = commands("count", "GET", "timeout");
        String unavailable = requests("count", "GET", "/users/{id}", 503);
        redis.signal("STOP");
        assertThat(server.get("/users/a").statusCode()).isEqualTo(503);

        assertThat(growth(timeouts)).isEqualTo(1);
        assertThat(growth(bucket(timeouts, "1.0"))).isZero();
        assertThat(growth(bucket(timeouts, "+Inf"))).isEqualTo(1);
        assertThat(growth(commands("sum", "GET", "timeout"))).isBetween(4.9, 60.0);
        assertThat(growth(unavailable)).isEqualTo(1);
        assertThat(growth(bucket(unavailable, "2.5"))).isZero();
        assertThat(growth(bucket(unavailable, "+Inf"))).isEqualTo(1);
        assertThat(growth(requests("sum", "GET", "/users/{id}", 503))).isBetween(4.9, 60.0);

        redis.kill();
        assertThat(server.post("/users/a").statusCode()).isEqualTo(503);

        assertThat(growth(commands("count", "INCR", "connection"))).isEqualTo(1);
        startRedis(redis.port());
        Waiting.until("recovery", () -> server.get("/users/a").statusCode() == 200);
    }

    @Test
    void commandsThatWaitAndTheirBatch() {
        String pending = "db_client_connection_pending_requests";
        String used = "db_client_connection_count{db_client_connection_state=\"used\"}";
        String idle = "db_client_connection_count{db_client_connection_state=\"idle\"}";
        String batches = "redis_client_batch_commands_count";
        server.get("/users/c"); // opens the connection
        assertThat(before.value(pending)).isZero();

        ExecutorService clients = Executors.newFixedThreadPool(10);
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        PausedWrites paused = new PausedWrites(redis);
        answers.add(CompletableFuture.supplyAsync(() -> server.post("/users/c"), clients));
        Waiting.until("a batch in flight", () -> Metrics.of(server).value(used) == 1);
        assertThat(Metrics.of(server).value(idle)).isZero();
        for (int i = 0; i < 9; i++) {
            answers.add(CompletableFuture.supplyAsync(() -> server.post("/users/c"), clients));
        }
        Waiting.until("nine commands that wait", () -> Metrics.of(server).value(pending) >= 9);
        paused.resume();

        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
        clients.shutdown();
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
        server.post("/users/d");

        assertBuckets(requests("count", "POST", "/users/{id}", 200), 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5);
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
            String path = "/users/" + text + "-" + i;
            server.post(path);
            server.post(path, IdempotencyKeyHeader.NAME, "\"" + text + i + "\"");
            server.get(path);
        }
        for (int i = 0; i < 20; i++) {
            String different = text + i;
            for (String path : new String[] {
                "/" + different,
                "/users/" + different + "/",
                "/users/" + different + "/x",
                "/users/%7B" + different + "%7D",
                "/users/%22" + different,
                "/users/" + different + ";x",
                "/users/a?" + different,
                "/metrics/" + different,
                "/health/" + different
            }) {
                for (String method : new String[] {"GET", "POST", "PUT", "VERY-SPECIAL-" + i, "get"}) {
                    server.send(method, path);
                }
            }
            server.get("/users/a", "Accept", different + ";;");
            server.get("/users/a", "Accept", different + "/" + different);
            server.exchange("GET /users/%zz" + different + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            server.exchange("{" + different + "\" / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
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

        redis.signal("STOP");
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
            HttpResponse<String> answer = server.send(method, "/metrics");
            assertThat(answer.statusCode()).isEqualTo(405);
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        }
        assertThat(server.log()).doesNotContain("\tat ");
    }
}
