package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static usercounter.testkit.Problems.assertMethodNotAllowed;
import static usercounter.testkit.Problems.assertProblem;

import jakarta.json.JsonObject;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.another.VisitsResource;
import usercounter.dev.RedisServer;
import usercounter.testkit.Backend;
import usercounter.testkit.JsonLog;
import usercounter.testkit.Metrics;
import usercounter.testkit.Nginx;
import usercounter.testkit.OddPaths;
import usercounter.testkit.OpenApiDocument;
import usercounter.testkit.ServerOnRedis;

/** nginx with the configuration of the frontend, in front of a packaged server. */
@EnabledIf(value = "usercounter.testkit.Nginx#isInstalled", disabledReason = "No nginx on the PATH: install it")
class FrontendIT {

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis(VisitsResource.class);

    @AutoClose
    static Nginx nginx;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        nginx = Nginx.start(folder, server);
    }

    @Test
    void whoSendsTooMuchIsRefusedForASecondWhateverAddressItClaims(@TempDir Path nginxFolder) throws Exception {
        try (Nginx limited = Nginx.start(nginxFolder, server)) {
            int counted = -1;
            HttpResponse<String> answer;
            do {
                counted++;
                answer = limited.post("/visits/flood", "X-Forwarded-For", "192.0.2." + counted % 256);
            } while (answer.statusCode() == 200 && counted < 5_000);

            assertProblem(answer, 429);
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
            assertThat(counted).as("a burst").isGreaterThan(100);
            for (int i = 0; i < 200; i++) {
                assertThat(limited.get("/healthz").statusCode()).isEqualTo(200);
            }
            Thread.sleep(1_000);
            assertThat(limited.get("/visits/flood").body()).isEqualTo(Integer.toString(counted));
            assertThat(limited.log("GET /visits/flood 200"))
                    .containsPattern("\"remote_addr\":\"127.0.0.1\",.*\"uri\":\"/visits/flood\",\"status\":429,")
                    .doesNotContain("192.0.2.", "limiting requests");
        }
    }

    @Test
    void theLogHasTheTraceThatTheBackendGets(@TempDir Path nginxFolder) throws Exception {
        try (Backend backend = Backend.echoing();
                Nginx proxy = Nginx.start(nginxFolder, backend)) {
            String trace = "0af7651916cd43dd8448eb211c80319c";
            String parent = "b7ad6b7169203331";
            String valid = "00-" + trace + "-" + parent + "-00";
            for (String flagsOrVersion :
                    new String[] {valid, valid.replaceAll("00$", "03"), valid.replaceAll("^00", "01") + "-x"}) {
                String path = "/visits/valid" + Math.abs(flagsOrVersion.hashCode());
                assertThat(proxy.send("PUT", path, "traceparent", flagsOrVersion, "tracestate", "a=b")
                                .body())
                        .contains("\nTraceparent: " + flagsOrVersion + "\n", "\nTracestate: a=b\n");
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
                String path = "/visits/invalid" + Math.abs(invalid.hashCode());
                String request = proxy.send("PUT", path, "traceparent", invalid, "tracestate", "a=b")
                        .body();
                JsonObject line = line(proxy, path);
                String id = line.getString("request_id");
                assertThat(request)
                        .contains("\nX-request-id: " + id + "\n")
                        .contains("\nTraceparent: 00-" + id + "-" + id.substring(0, 16) + "-01\n")
                        .doesNotContain("Tracestate");
                assertThat(line.getString("trace_id"))
                        .isEqualTo(line.getString("logging.googleapis.com/trace"))
                        .isEqualTo(id);
            }
        }
    }

    /** The line of the log about a path. */
    private static JsonObject line(Nginx proxy, String path) {
        String quoted = "\"" + path + "\"";
        return JsonLog.lines(proxy.log(quoted), quoted).get(0);
    }

    @Test
    void a503OfNginxIsOneLineWithItsReason(@TempDir Path nginxFolder) throws Exception {
        try (Nginx alone = Nginx.start(nginxFolder, RedisServer::freePort)) {
            assertProblem(alone.get("/visits/a"), 503);

            assertThat(alone.log("/visits/a").lines()).hasSize(1);
            JsonObject line = line(alone, "/visits/a");
            assertThat(line.getString("severity")).isEqualTo("ERROR");
            assertThat(line.getString("message")).isEqualTo("GET /visits/a 503");
            assertThat(line.getString("upstream_status")).startsWith("502");
            assertProblem(alone.get("/healthz"), 503);
        }
    }

    @Test
    void aBackendGetsBodyQueryAndTheHeadersOfTheProxy(@TempDir Path nginxFolder) throws Exception {
        try (Backend backend = Backend.echoing();
                Nginx proxy = Nginx.start(nginxFolder, backend)) {
            String[] headers = {"Content-Type", "application/json", "Default-Idempotency-Key", "\"foreign\""};

            assertThat(proxy.sendBody("PUT", "/visits/a%2520b?c=d%26&e", "{\"price\":1}", headers)
                            .body())
                    .startsWith("PUT /visits/a%2520b?c=d%26&e\n")
                    .contains("\nContent-type: application/json\n")
                    .contains("\nX-forwarded-for: 127.0.0.1\n", "\nX-forwarded-proto: http\n")
                    .containsPattern("\nTraceparent: 00-\\w{32}-\\w{16}-01\n")
                    .doesNotContain("Default-idempotency-key")
                    .endsWith("\n{\"price\":1}");
        }
    }

    /** A backend that dies may have executed the request. */
    @ParameterizedTest
    @CsvSource({"POST, 1", "PATCH, 1", "PUT, 8", "GET, 8"})
    void onlyRequestsThatMayArriveTwiceAreRepeated(String method, int times, @TempDir Path nginxFolder)
            throws Exception {
        try (Backend backend = Backend.dying();
                Nginx proxy = Nginx.start(nginxFolder, backend)) {
            assertProblem(proxy.send(method, "/visits/a"), 503);

            assertThat(backend.requests()).isEqualTo(times);
        }
    }

    @Test
    void aPathWithBytesThatAreNotAsciiIsALineOfJson() throws IOException {
        assertThat(nginx.exchange("GET", "/nothing/bytes-\u00e9\u00ff?x")).startsWith("HTTP/1.1 404 ");

        assertThat(line(nginx, "/nothing/bytes-").getString("message")).isEqualTo("GET /nothing/bytes- 404");
    }

    /** As docs/operate.md has it for a load balancer that is a proxy. */
    @Test
    void aProxysClientsHaveALimitEach(@TempDir Path nginxFolder) throws Exception {
        String proxy = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;";
        try (Nginx limited = Nginx.start(nginxFolder, proxy, server)) {
            for (int client = 1; client <= 3; client++) {
                for (int i = 0; i <= 100; i++) {
                    assertThat(limited.get("/visits/a", "X-Forwarded-For", "192.0.2." + client)
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
            while (limited.get("/visits/a", "X-Forwarded-For", "2001:db8:a0a:a::" + answered)
                                    .statusCode()
                            == 200
                    && answered < 5_000) {
                answered++;
            }
            assertThat(answered).isBetween(100, 4_999);

            for (String other : new String[] {"2001:db8:a0a:b::1", "::ffff:192.0.2.1"}) {
                assertThat(limited.get("/visits/a", "X-Forwarded-For", other).statusCode())
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

        assertThat(nginx.get("/docs", "Cookie", cookies).statusCode()).isEqualTo(200);
        assertThat(nginx.post("/visits/cookies", "Cookie", cookies).body()).isEqualTo("1");
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
                Socket reader = new Socket(); // not connected yet, so that its buffer is small
                reader.setReceiveBufferSize(4096);
                readers.add(reader);
                reader.connect(new InetSocketAddress("127.0.0.1", unlimited.port()), 10_000);
                String request = "GET " + script + "?" + i + " HTTP/1.1\r\nHost: x\r\n\r\n";
                reader.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            }

            assertThat(unlimited.get("/visits/other").body()).isEqualTo("0");
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
        "POST, /openapi, 'GET, HEAD'",
        "TRACE, /visits/a, 'GET, HEAD'",
        "DELETE, /visits/a, 'GET, HEAD, POST, OPTIONS'"
    })
    void aWrongMethodIs405WithAllow(String method, String path, String allow) {
        assertMethodNotAllowed(nginx.send(method, path), allow.split(", "));
    }

    static Stream<String> aPathMeansTheSameAsAtTheService() {
        return OddPaths.of("visits");
    }

    @ParameterizedTest
    @MethodSource
    void aPathMeansTheSameAsAtTheService(String path) throws IOException {
        OddPaths.assertMeansTheSame(path, nginx, server, "visits:*");
    }

    /** nginx rejects these paths itself, with a problem document. */
    @ParameterizedTest
    @CsvSource({
        "/healthz/, No resource",
        "/healthz%0a, malformed",
        "/nope.gif, No resource",
        "/metrics, No resource",
        "/error, No resource",
        "/health/ready, No resource",
        "/index.html, No resource",
        "/nginx.conf, No resource",
        "/%0a, malformed",
        "/openapi/, No resource",
        "/openapi/ui/, No resource",
        "/docs/nothing.js, No resource",
        "/docs/WEB-INF/web.xml, No resource",
        "/docs/../metrics, No resource",
        "/docs/%2e%2e/metrics, malformed",
        "/docs/..;/metrics, malformed",
        "/visit, No resource",
        "/visits/a/../../metrics, No resource",
        "/visits/%2e%2e%2fmetrics, malformed",
        "/problem, No resource",
    })
    void noOtherPathGetsThrough(String path, String detail) throws IOException {
        assertThat(nginx.exchange("GET", path))
                .startsWith(detail.startsWith("No resource") ? "HTTP/1.1 404 " : "HTTP/1.1 400 ")
                .contains("\r\nContent-Type: application/problem+json\r\n", "\"detail\":\"", detail)
                .contains("\r\nCache-Control: no-store\r\n", "\r\nVary: Accept\r\n");
    }
}
