package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.RedisClient;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Endpoint;
import usercounter.testkit.Load;
import usercounter.testkit.Metrics;
import usercounter.testkit.Nginx;
import usercounter.testkit.OpenApiDocument;
import usercounter.testkit.PackagedServer;

/** nginx with the configuration of the frontend, in front of packaged servers. */
@EnabledIf(value = "usercounter.testkit.Nginx#isInstalled", disabledReason = "No nginx on the PATH: install it")
class FrontendIT {

    @TempDir
    static Path folder;

    @AutoClose
    static RedisServer redis;

    @AutoClose
    static PackagedServer server;

    @AutoClose
    static Nginx nginx;

    @BeforeAll
    static void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        server = startServer("a");
        nginx = Nginx.start(folder, server);
    }

    private static PackagedServer startServer(String name) throws IOException {
        return PackagedServer.start(
                Files.createDirectory(folder.resolve(name)), Map.of("REDIS_URL", "127.0.0.1:" + redis.port()));
    }

    @Test
    void noClientSeesTheDeathOfABackendAndEveryPostCountsOnce(@TempDir Path nginxFolder) throws Exception {
        try (PackagedServer second = startServer("b");
                Nginx both = Nginx.startWithoutRateLimit(nginxFolder, server, second)) {
            Load load = Load.start(16, 10, both);
            load.awaitAcknowledged(1_000);
            second.kill();
            load.awaitAcknowledged(load.acknowledged() + 2_000);
            load.stop();

            assertThat(load.unanswered()).isZero();
            load.assertExact(both);
        }
    }

    @Test
    void whoSendsTooMuchIsRefusedForASecondWhateverAddressItClaims(@TempDir Path nginxFolder) throws Exception {
        try (Nginx limited = Nginx.start(nginxFolder, server)) {
            int counted = -1;
            HttpResponse<String> answer;
            do {
                counted++;
                answer = limited.post("/users/flood", "X-Forwarded-For", "192.0.2." + counted % 256);
            } while (answer.statusCode() == 200 && counted < 5_000);

            assertProblem(answer, 429);
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
            assertThat(counted).as("a burst").isGreaterThan(100);
            for (int i = 0; i < 200; i++) {
                assertThat(limited.get("/healthz").statusCode()).isEqualTo(200);
            }
            Thread.sleep(1_000);
            assertThat(limited.get("/users/flood").body()).isEqualTo(Integer.toString(counted));
            assertThat(limited.log("GET /users/flood 200"))
                    .containsPattern("\"remote_addr\":\"127.0.0.1\",.*\"uri\":\"/users/flood\",\"status\":429,")
                    .doesNotContain("192.0.2.", "limiting requests");
        }
    }

    @Test
    void theLogHasTheTraceThatTheBackendGets(@TempDir Path nginxFolder) throws Exception {
        try (ServerSocket backend = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                Nginx proxy = Nginx.start(nginxFolder, backend.getLocalPort())) {
            String trace = "0af7651916cd43dd8448eb211c80319c";
            String parent = "b7ad6b7169203331";
            String valid = "00-" + trace + "-" + parent + "-00";
            for (String flagsOrVersion :
                    new String[] {valid, valid.replaceAll("00$", "03"), valid.replaceAll("^00", "01") + "-x"}) {
                String path = "/users/valid" + Math.abs(flagsOrVersion.hashCode());
                assertThat(received(backend, proxy, path, flagsOrVersion))
                        .contains("traceparent: " + flagsOrVersion, "tracestate: a=b");
                assertThat(line(proxy, path).getString("trace_id")).isEqualTo(trace);
            }
            for (String invalid : new String[] {
                "\"",
                valid + "-x",
                valid.replace('a', 'A'),
                valid.replaceAll("^00", "ff"),
                valid.replace(trace, "0".repeat(32)),
                valid.replace(parent, "0".repeat(16))
            }) {
                String path = "/users/invalid" + Math.abs(invalid.hashCode());
                List<String> headers = received(backend, proxy, path, invalid);
                JsonObject line = line(proxy, path);
                String id = line.getString("request_id");
                assertThat(headers)
                        .contains("X-Request-ID: " + id, "traceparent: 00-" + id + "-" + id.substring(0, 16) + "-01")
                        .noneMatch(header -> header.startsWith("tracestate:"));
                assertThat(line.getString("trace_id"))
                        .isEqualTo(line.getString("logging.googleapis.com/trace"))
                        .isEqualTo(id);
            }
        }
    }

    /** Sends a request, and returns the lines of it that the backend gets. */
    private static List<String> received(ServerSocket backend, Nginx proxy, String path, String traceparent)
            throws Exception {
        var answer =
                CompletableFuture.supplyAsync(() -> proxy.get(path, "traceparent", traceparent, "tracestate", "a=b"));
        try (Socket connection = backend.accept()) {
            List<String> lines = new BufferedReader(
                            new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8))
                    .lines()
                    .takeWhile(line -> !line.isEmpty())
                    .toList();
            connection
                    .getOutputStream()
                    .write(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nCache-Control: no-store\r\nVary: Accept\r\n\r\n0"
                                    .getBytes(StandardCharsets.UTF_8));
            assertThat(answer.join().body()).isEqualTo("0");
            return lines;
        }
    }

    /** The line of the log about a path. */
    private static JsonObject line(Nginx proxy, String path) {
        String quoted = "\"" + path + "\"";
        return proxy.log(quoted)
                .lines()
                .filter(line -> line.contains(quoted))
                .map(line -> Json.createReader(new StringReader(line)).readObject())
                .findFirst()
                .orElseThrow();
    }

    @Test
    void a503OfNginxIsOneLineWithItsReason(@TempDir Path nginxFolder) throws Exception {
        try (Nginx alone = Nginx.start(nginxFolder, RedisServer.freePort())) {
            assertProblem(alone.get("/users/a"), 503);

            assertThat(alone.log("/users/a").lines()).singleElement().satisfies(text -> {
                JsonObject line = Json.createReader(new StringReader(text)).readObject();
                assertThat(line.getString("severity")).isEqualTo("ERROR");
                assertThat(line.getString("message")).isEqualTo("GET /users/a 503");
                assertThat(line.getString("upstream_status")).startsWith("502");
            });
            assertProblem(alone.get("/healthz"), 503);
        }
    }

    /** As CONTRIBUTING.md has it. */
    private static final String ENDPOINT = "location /orders/ { proxy_pass http://backend$uri$is_args$args; }\n";

    @Test
    void anotherEndpointGetsBodyQueryAndTheHeadersOfTheProxy(@TempDir Path nginxFolder) throws Exception {
        HttpServer backend = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        backend.createContext("/", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Headers headers = exchange.getRequestHeaders();
            exchange.getResponseHeaders()
                    .add("X-Received", exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + body);
            List.of(
                            "Content-Type",
                            "X-Forwarded-For",
                            "X-Forwarded-Proto",
                            "Traceparent",
                            IdempotencyKeyHeader.DEFAULT_NAME)
                    .forEach(name -> exchange.getResponseHeaders().add("X-" + name, headers.getFirst(name) + ""));
            exchange.sendResponseHeaders(204, -1);
        });
        backend.start();
        try (Nginx proxy = Nginx.startWithLocation(
                nginxFolder, ENDPOINT, backend.getAddress().getPort())) {
            HttpRequest request = HttpRequest.newBuilder(proxy.uri("/orders/a%2520b?c=d%26&e"))
                    .header("Content-Type", "application/json")
                    .header(IdempotencyKeyHeader.DEFAULT_NAME, "\"foreign\"")
                    .PUT(HttpRequest.BodyPublishers.ofString("{\"price\":1}"))
                    .build();
            HttpHeaders received =
                    Endpoint.HTTP.send(request, BodyHandlers.discarding()).headers();

            assertThat(received.firstValue("X-Received")).contains("PUT /orders/a%2520b?c=d%26&e {\"price\":1}");
            assertThat(received.firstValue("X-Content-Type")).contains("application/json");
            assertThat(received.firstValue("X-X-Forwarded-For")).contains("127.0.0.1");
            assertThat(received.firstValue("X-X-Forwarded-Proto")).contains("http");
            assertThat(received.firstValue("X-Traceparent").orElseThrow()).matches("00-\\w{32}-\\w{16}-01");
            assertThat(received.firstValue("X-" + IdempotencyKeyHeader.DEFAULT_NAME))
                    .contains("null");
        } finally {
            backend.stop(0);
        }
    }

    /** A backend that dies may have executed the request. The numbers' POSTs have keys for that. */
    @ParameterizedTest
    @CsvSource({"POST, /orders/, 1", "PATCH, /orders/, 1", "PUT, /orders/, 8", "GET, /orders/, 8", "POST, /users/a, 8"})
    void onlyRequestsThatMayArriveTwiceAreRepeated(String method, String path, int times, @TempDir Path nginxFolder)
            throws Exception {
        AtomicInteger received = new AtomicInteger();
        try (ServerSocket backend = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                Nginx proxy = Nginx.startWithLocation(nginxFolder, ENDPOINT, backend.getLocalPort())) {
            CompletableFuture.runAsync(() -> {
                try {
                    while (true) {
                        Socket connection = backend.accept();
                        connection.getInputStream().readNBytes(method.length());
                        received.incrementAndGet();
                        connection.close();
                    }
                } catch (IOException e) {
                    // The test ends.
                }
            });

            HttpRequest request = HttpRequest.newBuilder(proxy.uri(path))
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .build();
            assertThat(Endpoint.HTTP.send(request, BodyHandlers.discarding()).statusCode())
                    .isEqualTo(503);
        }
        assertThat(received).hasValue(times);
    }

    @Test
    void aPathWithBytesThatAreNotAsciiIsALineOfJson() throws IOException {
        assertThat(nginx.exchange("GET /users/bytes-\u00e9\u00ff?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");

        assertThat(line(nginx, "/users/bytes-").getString("message")).isEqualTo("GET /users/bytes- 400");
    }

    /** As docs/operate.md has it for a load balancer that is a proxy. */
    @Test
    void aProxysClientsHaveALimitEach(@TempDir Path nginxFolder) throws Exception {
        String proxy = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;";
        try (Nginx limited = Nginx.start(nginxFolder, proxy, server)) {
            for (int client = 1; client <= 3; client++) {
                for (int i = 0; i <= 100; i++) {
                    assertThat(limited.get("/users/a", "X-Forwarded-For", "192.0.2." + client)
                                    .statusCode())
                            .isEqualTo(200);
                }
            }
            assertThat(limited.log("192.0.2.3")).contains("\"remote_addr\":\"192.0.2.3\"");
        }
    }

    @Test
    void aClientOfIpv6IsANetworkOf64Bits(@TempDir Path nginxFolder) throws Exception {
        String proxy = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;";
        try (Nginx limited = Nginx.start(nginxFolder, proxy, server)) {
            int answered = 0;
            while (limited.get("/users/a", "X-Forwarded-For", "2001:db8:a0a:a::" + answered)
                                    .statusCode()
                            == 200
                    && answered < 5_000) {
                answered++;
            }
            assertThat(answered).isBetween(100, 4_999);

            for (String other : new String[] {"2001:db8:a0a:b::1", "::ffff:192.0.2.1"}) {
                assertThat(limited.get("/users/a", "X-Forwarded-For", other).statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void clientsConnectWithIpv6IfTheNodeHasIt(@TempDir Path with, @TempDir Path without) throws Exception {
        try (Nginx nginx = Nginx.startWithoutIpv6(without, server)) {
            assertThat(nginx.get("/healthz").statusCode()).isEqualTo(200);
            assertThat(nginx.accepts("::1")).isFalse();
        }
        assumeThat(Path.of("/proc/net/if_inet6")).exists();
        try (Nginx nginx = Nginx.startWithoutRateLimit(with, server)) {
            assertThat(nginx.get("/healthz").statusCode()).isEqualTo(200);
            assertThat(nginx.accepts("::1")).isTrue();
        }
    }

    @Test
    void theCookiesOfAParentDomainAreNoObstacle() {
        String cookies = "c=" + "x".repeat(15_000);

        assertThat(nginx.get("/", "Cookie", cookies).statusCode()).isEqualTo(200);
        assertThat(nginx.post("/users/cookies", "Cookie", cookies).body()).isEqualTo("1");
    }

    @Test
    void aClientsKeyPassesAsItIsAndAPostWithoutOneGetsOneForAMinute() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            assertThat(nginx.post("/users/own", IdempotencyKeyHeader.NAME, "\"a\\\"b\"")
                            .body())
                    .isEqualTo("1");
            assertThat(client.ttl("user:{own}:key:a\"b")).isGreaterThan(60);

            assertThat(nginx.post("/users/given").body()).isEqualTo("1");
            assertThat(nginx.post("/users/given").body()).isEqualTo("2");
            Set<String> given = client.keys("user:{given}:key:*");
            assertThat(given)
                    .hasSize(2)
                    .allSatisfy(key -> assertThat(client.ttl(key)).isBetween(1L, 60L));

            nginx.get("/users/read");
            assertThat(client.keys("user:{read}*")).isEmpty();
        }
    }

    @Test
    void aClientCannotGiveTheProxysKey() {
        for (String answer : new String[] {"1", "2"}) {
            assertThat(nginx.post("/users/proxy", IdempotencyKeyHeader.DEFAULT_NAME, "\"p\"")
                            .body())
                    .isEqualTo(answer);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " \t", "malformed", "\"k\", \"k\""})
    void aMalformedKeyIs400AndCountsNothing(String key) {
        assertProblem(nginx.post("/users/malformed", IdempotencyKeyHeader.NAME, key), 400);

        assertThat(nginx.get("/users/malformed").body()).isEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource({"\"k\", \"k\"", "\"k\", ''", "'', \"k\""})
    void aSecondKeyIs400AndCountsNothing(String first, String second) {
        assertProblem(
                nginx.post("/users/two-keys", IdempotencyKeyHeader.NAME, first, IdempotencyKeyHeader.NAME, second),
                400);

        assertThat(nginx.get("/users/two-keys").body()).isEqualTo("0");
    }

    @Test
    void anIdMayLookLikeTheNameOfAFile() {
        assertThat(nginx.post("/users/anna.jpg").headers().firstValue("Content-Type"))
                .contains("text/plain; charset=UTF-8");
        assertThat(nginx.get("/users/%61nna.jpg?query").body()).isEqualTo("1");
        assertProblem(nginx.post("/users/anna.jpg", "Accept", "image/jpeg"), 406);
        assertProblem(nginx.send("TRACE", "/users/anna.jpg"), 405);
    }

    @ParameterizedTest
    @CsvSource({"/, text/html", "/?query, text/html", "/page.css, text/css", "/page.js, text/javascript"})
    void thePageForPeopleIsNeverStale(String path, String type) {
        HttpResponse<String> answer = nginx.get(path);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().map())
                .containsEntry("content-type", List.of(type))
                .containsEntry("cache-control", List.of("no-cache"))
                .containsEntry("content-security-policy", List.of("frame-ancestors 'none'"))
                .containsEntry("x-content-type-options", List.of("nosniff"));
        String tag = answer.headers().firstValue("ETag").orElseThrow();
        assertThat(nginx.get(path, "If-None-Match", tag).statusCode()).isEqualTo(304);
        assertProblem(nginx.get(path, "If-Match", "\"another\""), 412);
        assertThat(nginx.get(path, "Range", "bytes=1000000-").body()).isEqualTo(answer.body());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/docs", "/docs/"})
    void theReferenceRunsNoForeignScript(String path) {
        HttpResponse<String> page = nginx.get(path);

        assertThat(page.body()).contains("default-src 'none'; script-src 'self'; style-src 'self'");
        assertThat(page.headers().map())
                .containsEntry("content-security-policy", List.of("frame-ancestors 'none'"))
                .containsEntry("x-content-type-options", List.of("nosniff"));
        assertThat(nginx.get("/docs/swagger-ui-bundle.js").body())
                .isEqualTo(server.get("/docs/swagger-ui-bundle.js").body());
    }

    /** Otherwise they would occupy all threads of the backend, which writes to each client as fast as that reads. */
    @Test
    void slowReadersOfTheReferenceKeepNobodyElseWaiting(@TempDir Path nginxFolder) throws Exception {
        String script = "/docs/swagger-ui-bundle.js";
        List<Socket> readers = new ArrayList<>();
        try (Nginx unlimited = Nginx.startWithoutRateLimit(nginxFolder, server)) {
            double before = sent(script);
            for (int i = 0; i < 400; i++) {
                Socket reader = new Socket();
                reader.setReceiveBufferSize(4096);
                readers.add(reader);
                reader.connect(new InetSocketAddress("127.0.0.1", unlimited.port()), 10_000);
                String request = "GET " + script + "?" + i + " HTTP/1.1\r\nHost: x\r\n\r\n";
                reader.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            }

            assertThat(unlimited.get("/users/other").body()).isEqualTo("0");
            for (Socket reader : readers) {
                reader.setSoTimeout(10_000);
                assertThat(new String(reader.getInputStream().readNBytes(15), StandardCharsets.US_ASCII))
                        .isEqualTo("HTTP/1.1 200 OK");
            }
            assertThat(unlimited.get(script).body())
                    .isEqualTo(server.get(script).body());
            assertThat(sent(script) - before).isEqualTo(2);
        } finally {
            for (Socket reader : readers) {
                reader.close();
            }
        }
    }

    /** How often the server has sent a file. */
    private static double sent(String path) {
        return Metrics.of(server)
                .value(
                        "http_server_request_duration_seconds_count{http_request_method=\"GET\",http_response_status_code=\"200\",http_route=\""
                                + path + "\"}");
    }

    @Test
    void theRequestsOfTheOpenApiDocumentGoToTheAddressFromWhichItComes() {
        assertThat(nginx.get("/openapi").body()).contains("\nservers:\n  - url: /\n", "const: ✓");
    }

    @Test
    void servesEachOperationOfTheOpenApiDocument() {
        assertThat(OpenApiDocument.operations()).allSatisfy(operation -> {
            String path = operation.path().replaceAll("\\{\\w+}", "a");
            assertThat(nginx.send(operation.method(), path).statusCode()).isEqualTo(200);
        });
    }

    /** All paths of the OpenAPI document, except the one of probes. */
    @Test
    void limitsTheRateOfEachPathOfTheOpenApiDocument() throws IOException {
        Matcher limited = Pattern.compile("(?m)^map \\$uri \\$client \\{\n +~(\\S+) ")
                .matcher(Files.readString(Nginx.BASE.resolve("rate-limit.conf")));
        assertThat(limited.find()).isTrue();

        assertThat(OpenApiDocument.operations())
                .map(OpenApiDocument.Operation::path)
                .filteredOn(Pattern.compile(limited.group(1)).asPredicate().negate())
                .containsOnly("/healthz");
    }

    @Test
    void theGatewaysForwardEachPathOfTheOpenApiDocument() throws IOException {
        String routes = Files.readString(Path.of("..", "components", "gateway", "common", "httproutes.yaml"));

        assertThat(OpenApiDocument.operations())
                .extracting(operation -> operation.path().replaceAll("/\\{.*", ""))
                .allSatisfy(path -> assertThat(routes).contains("value: " + path + "\n"));
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /, 'GET, HEAD'",
        "TRACE, /page.js, 'GET, HEAD'",
        "POST, /openapi, 'GET, HEAD'",
        "TRACE, /users/a, 'GET, HEAD, POST, OPTIONS'",
        "DELETE, /users/a, 'GET, HEAD, POST, OPTIONS'"
    })
    void aWrongMethodIs405WithAllow(String method, String path, String allow) {
        HttpResponse<String> answer = nginx.send(method, path);

        assertProblem(answer, 405);
        assertThat(answer.headers().firstValue("Allow"))
                .hasValueSatisfying(value -> assertThat(value.split(", *")).contains(allow.split(", ")));
    }

    /** Whatever a program between the client and the service may decode or resolve. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/users/same",
                "/users/%73ame",
                "/users/%73%41%4d%65%7E%2D%5f",
                "/users/s%61me?%2f..%2f",
                "/users/x%2f..%2fsame",
                "/users/x%2f%2e%2e%2Fsame",
                "/users/x%5c..%5csame",
                "/users/x\\..\\same",
                "/users/x/../same",
                "/users/./same",
                "/users/%2e/same",
                "/users/x/%2e%2e/same",
                "/users/.",
                "/users/..",
                "/users/...",
                "/users/%2e",
                "/users/%2e%2e",
                "/users/s%2eme",
                "/users/same/",
                "/users/same/.",
                "/users/same%2f",
                "/users/same%2f.",
                "/users/%2fsame",
                "/users/%252fsame",
                "/users/same%00",
                "/users/same%0a",
                "/users/same%7f",
                "/users/same%c3%a9",
                "/users/same%ff",
                "/users/same%zz",
                "/users/same#x",
                "/users/same%23x",
                "/users/same%3fx",
                "/users/same|",
                "/users/same<>\"^`{}",
                "/users/same;",
                "/users/same;a=b",
                "/users/same%3ba=b",
                "/users;a=b/same",
                "/users/x;/../same",
                "/users/..;/same",
                "/users//same",
                "//users/same",
                "/x/../users/same",
                "/x%2f..%2fusers/same",
                "/./users/same",
                "/%2e/users/same",
                "/../users/same",
                "/%2e%2e/users/same",
                "/%2fusers/same",
                "/users%2fsame",
                "/%75sers/same",
                "/USERS/same",
                "http://x/users/same",
                "http://x//users/same",
                "http://x/users/x%2f..%2fsame",
                "http://x?/users/same",
                "/users/..%2fhealthz",
                "/x/../healthz",
                "/%68ealthz",
                "/healthz;x",
                "/docs/x/../start.js",
                "/docs%2fstart.js",
                "/docs/%73tart.js",
                "/page.css;x",
                "/x/../page.css",
                "/x/..",
                "/nothing|",
                "/nothing/%5c",
                "/nothing/%2e",
            })
    void aPathMeansTheSameAsAtTheService(String path) throws IOException {
        String request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

        assertThat(nginx.exchange(request)).startsWith(server.exchange(request).substring(0, 12));

        long before = sum();
        String answer = nginx.exchange("POST" + request.substring(3));
        assertThat(sum() - before).isEqualTo(answer.startsWith("HTTP/1.1 200 ") ? 1 : 0);
    }

    /** The sum of all users' numbers. */
    private static long sum() {
        try (RedisClient client = RedisClient.create("127.0.0.1", redis.port())) {
            return client.keys("user:{*}").stream()
                    .mapToLong(key -> Long.parseLong(client.get(key)))
                    .sum();
        }
    }

    /** nginx rejects these paths itself, with a problem document. */
    @ParameterizedTest
    @CsvSource({
        "/users/a%20b, A user id is",
        "/users/a%0ab, A user id is",
        "/users/a%0a, A user id is",
        "/users/a;b.jpg, A user id is",
        "/users/..%5cmetrics, A user id is",
        "/users/%C3%A9.png, A user id is",
        "/users/%, malformed",
        "/users/a%00, malformed",
        "/users, No resource",
        "/users/, No resource",
        "/users/., A user id is",
        "/users/.., A user id is",
        "/users/a/, No resource",
        "/users/a%2Fb.jpg, A user id is",
        "//users/a, No resource",
        "/USERS/a, No resource",
        "/healthz/, No resource",
        "/healthz%0a, malformed",
        "/nope.gif, No resource",
        "/metrics, No resource",
        "/error, No resource",
        "/health/ready, No resource",
        "/index.html, No resource",
        "/nginx.conf, No resource",
        "/page.css/, No resource",
        "/page.jpg, No resource",
        "/%0a, malformed",
        "/openapi/, No resource",
        "/openapi/ui/, No resource",
        "/docs/nothing.js, No resource",
        "/docs/WEB-INF/web.xml, No resource",
        "/docs/../metrics, No resource",
        "/docs/%2e%2e/metrics, malformed",
        "/docs/..;/metrics, malformed",
        "/users/%2e%2e%2fmetrics, A user id is",
        "/users/..;/metrics, malformed",
        "/problem, No resource",
    })
    void noOtherPathGetsThrough(String path, String detail) throws IOException {
        assertThat(nginx.exchange("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith(detail.startsWith("No resource") ? "HTTP/1.1 404 " : "HTTP/1.1 400 ")
                .contains("\r\nContent-Type: application/problem+json\r\n", "\"detail\":\"", detail)
                .contains("\r\nCache-Control: no-store\r\n", "\r\nVary: Accept\r\n");
    }

    private static void assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("\"status\":" + status);
    }
}
