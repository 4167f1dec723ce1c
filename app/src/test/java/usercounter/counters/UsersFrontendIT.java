package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertMethodNotAllowed;
import static usercounter.testkit.Problems.assertProblem;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
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
import redis.clients.jedis.Jedis;
import usercounter.testkit.Backend;
import usercounter.testkit.Load;
import usercounter.testkit.Nginx;
import usercounter.testkit.OddPaths;
import usercounter.testkit.PackagedServer;
import usercounter.testkit.ServerOnRedis;

/** The users' numbers, their keys and their page through nginx. */
@EnabledIf(value = "usercounter.testkit.Nginx#isInstalled", disabledReason = "No nginx on the PATH: install it")
class UsersFrontendIT {

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis();

    @AutoClose
    static Nginx nginx;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        nginx = Nginx.start(folder, server);
    }

    @Test
    void noClientSeesTheDeathOfABackendAndEveryPostCountsOnce(@TempDir Path nginxFolder) throws Exception {
        try (PackagedServer second = server.startAnother(Map.of());
                Nginx both = Nginx.startWithoutRateLimit(nginxFolder, server, second)) {
            Load load = Load.start(16, "/users/", 10, both);
            load.awaitMore(1_000);
            second.kill();
            load.awaitMore(2_000);
            load.stop();

            assertThat(load.unanswered()).isZero();
            load.assertExact(both);
        }
    }

    /** A backend that dies may have executed the request. The key of nginx makes the repetition safe. */
    @Test
    void aPostWhoseBackendDiesIsRepeated(@TempDir Path nginxFolder) throws Exception {
        try (Backend backend = Backend.dying();
                Nginx proxy = Nginx.start(nginxFolder, backend)) {
            assertProblem(proxy.post("/users/a"), 503);

            assertThat(backend.requests()).isEqualTo(8);
        }
    }

    @Test
    void aClientsKeyPassesAsItIsAndAPostWithoutOneGetsOneForAMinute() {
        try (Jedis client = server.jedis()) {
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
        assertProblem(
                nginx.post("/users/malformed", IdempotencyKeyHeader.NAME, key, IdempotencyKeyHeader.NAME, "\"k\""),
                400);
        assertProblem(
                nginx.post("/users/malformed", IdempotencyKeyHeader.NAME, "\"k\"", IdempotencyKeyHeader.NAME, key),
                400);

        assertThat(nginx.get("/users/malformed").body()).isEqualTo("0");
    }

    @Test
    void aSecondKeyIs400() {
        assertProblem(
                nginx.post("/users/a", IdempotencyKeyHeader.NAME, "\"k\"", IdempotencyKeyHeader.NAME, "\"k\""), 400);
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
    @CsvSource({
        "POST, /, 'GET, HEAD'",
        "TRACE, /page.js, 'GET, HEAD'",
        "TRACE, /users/a, 'GET, HEAD, POST, OPTIONS'",
        "DELETE, /users/a, 'GET, HEAD, POST, OPTIONS'"
    })
    void aWrongMethodIs405WithAllow(String method, String path, String allow) {
        assertMethodNotAllowed(nginx.send(method, path), allow.split(", "));
    }

    static Stream<String> aPathMeansTheSameAsAtTheService() {
        String ids = "%73%41%4d%65%7E%2D%5f . .. ... %2e %2e%2e s%2eme same%0a same%7f same%c3%a9 same%ff same%3ba=b";
        return Stream.of(
                        OddPaths.of("users"),
                        Stream.of(ids.split(" ")).map("/users/"::concat),
                        Stream.of("/%75sers/same", "http://x?/users/same", "/page.css;x", "/x/../page.css"))
                .flatMap(Function.identity());
    }

    @ParameterizedTest
    @MethodSource
    void aPathMeansTheSameAsAtTheService(String path) throws IOException {
        OddPaths.assertMeansTheSame(path, nginx, server, "user:{*}");
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
        "/page.css/, No resource",
        "/page.jpg, No resource",
        "/users/%2e%2e%2fmetrics, A user id is",
        "/users/..;/metrics, malformed",
    })
    void noOtherPathGetsThrough(String path, String detail) throws IOException {
        assertThat(nginx.exchange("GET", path))
                .startsWith(detail.startsWith("No resource") ? "HTTP/1.1 404 " : "HTTP/1.1 400 ")
                .contains("\r\nContent-Type: application/problem+json\r\n", "\"detail\":\"", detail)
                .contains("\r\nCache-Control: no-store\r\n", "\r\nVary: Accept\r\n");
    }
}
