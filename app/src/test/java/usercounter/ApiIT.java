package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.RedisClient;
import usercounter.counters.IdempotencyKeyHeader;
import usercounter.dev.RedisServer;
import usercounter.testkit.Endpoint;
import usercounter.testkit.Metrics;
import usercounter.testkit.PackagedServer;

/** The API over HTTP, against the packaged server and a real Redis with a password. */
class ApiIT {

    private static RedisServer redisServer;
    private static RedisClient redis;
    private static PackagedServer server;

    @BeforeAll
    static void start(@TempDir Path folder) throws IOException {
        redisServer = RedisServer.start(folder.resolve("redis"), RedisServer.freePort(), "--requirepass", "se cret");
        redis = RedisClient.create("redis://:se%20cret@127.0.0.1:" + redisServer.port());
        Path password = Files.writeString(folder.resolve("password"), "se cret\n");
        server = PackagedServer.start(
                folder,
                Map.of("REDIS_URL", "127.0.0.1:" + redisServer.port(), "REDIS_PASSWORD_FILE", password.toString()));
    }

    @AfterAll
    static void stop() {
        server.close();
        redis.close();
        redisServer.close();
    }

    @Test
    void theSessionOfTheTutorial() {
        assertThat(server.get("/users/249").body()).isEqualTo("0");
        assertThat(server.post("/users/249").body()).isEqualTo("1");
        assertThat(server.post("/users/249").body()).isEqualTo("2");
        assertThat(server.post("/users/249").body()).isEqualTo("3");
        assertThat(server.get("/users/249").body()).isEqualTo("3");
        assertThat(server.get("/users/32").body()).isEqualTo("0");
    }

    @Test
    void theResponseBytesOfTheTutorial() throws IOException {
        assertThat(server.exchange("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Type: text/plain; charset=UTF-8\r\n", "\r\nContent-Length: 3\r\n")
                .endsWith("\r\n\r\n✓")
                .doesNotContain("Server:", "X-Powered-By");
        assertThat(server.exchange("GET /users/nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Type: text/plain; charset=UTF-8\r\n", "\r\nContent-Length: 1\r\n")
                .endsWith("\r\n\r\n0");
    }

    @Test
    void jsonOnRequest() {
        HttpResponse<String> counted = server.post("/users/json", "Accept", "application/json");
        HttpResponse<String> read = server.get("/users/json", "Accept", "application/json, text/plain;q=0.5");

        assertThat(counted.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(counted.body()).isEqualTo("{\"id\":\"json\",\"count\":1}");
        assertThat(read.body()).isEqualTo("{\"id\":\"json\",\"count\":1}");
    }

    @Test
    void aBodyIsIgnoredWhateverItsTypeOrSize() {
        for (String type : new String[] {"application/json", "application/x-www-form-urlencoded", "image/png"}) {
            HttpRequest request = HttpRequest.newBuilder(server.uri("/users/body"))
                    .header("Content-Type", type)
                    .POST(BodyPublishers.ofString("{".repeat(1_000_000)))
                    .build();
            assertThat(Endpoint.send(request).statusCode()).isEqualTo(200);
        }
        assertThat(server.get("/users/body").body()).isEqualTo("3");
    }

    @Test
    void headAndOptions() {
        assertThat(server.send("HEAD", "/users/head").statusCode()).isEqualTo(200);
        assertThat(server.send("OPTIONS", "/users/head").headers().firstValue("Allow"))
                .hasValueSatisfying(allow -> assertThat(allow).contains("GET", "POST"));
    }

    @Test
    void percentEncodingOfUnreservedCharactersChangesNothing() {
        server.post("/users/encoded");

        assertThat(server.get("/users/%65ncode%64").body()).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/users/a%20b",
                "/users/a+b",
                "/users/a:b",
                "/users/%C3%A9",
                "/users/%7B1%7D",
                "/users/a%2Fb",
                "/users/a;b=1",
                "/users/a;",
                "/users/%ff",
                "/users/.",
                "/users/..",
                "/users/%2e",
                "/users/" + LONG_ID
            })
    void anInvalidIdIs400AndRedisIsNotAsked(String path) {
        server.post("/users/valid");
        long before = increments();

        assertProblem(server.post(path), 400, "Bad Request");
        assertThat(increments() - before).isZero();

        server.post("/users/valid");
        assertThat(increments() - before).isEqualTo(1);
    }

    private static final String LONG_ID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";

    private static long increments() {
        return redis.info("commandstats")
                .lines()
                .filter(line -> line.matches("cmdstat_(incr|eval):.*"))
                .mapToLong(line -> Long.parseLong(line.replaceAll(".*:calls=(\\d+),.*", "$1")))
                .sum();
    }

    @Test
    void aKeyCountsOnceForItsUserAndGetsTheSameAnswer() {
        assertThat(postKeyed("keyed", "k").body()).isEqualTo("1");
        assertThat(server.post("/users/keyed").body()).isEqualTo("2");
        assertThat(postKeyed("keyed", "other").body()).isEqualTo("3");
        assertThat(postKeyed("another", "k").body()).isEqualTo("1");

        assertThat(postKeyed("keyed", "k").body()).isEqualTo("1");
        assertThat(server.post("/users/keyed", IdempotencyKeyHeader.NAME, "\"k\"", "Accept", "application/json")
                        .body())
                .isEqualTo("{\"id\":\"keyed\",\"count\":1}");
        assertThat(server.get("/users/keyed").body()).isEqualTo("3");
    }

    @Test
    void requestsInFlightWithTheSameKeyCountOnce() throws Exception {
        ExecutorService clients = Executors.newFixedThreadPool(50);
        Callable<String> post = () -> postKeyed("in-flight", "k").body();
        for (var answer : clients.invokeAll(Collections.nCopies(50, post))) {
            assertThat(answer.get()).isEqualTo("1");
        }
        clients.shutdown();

        assertThat(server.get("/users/in-flight").body()).isEqualTo("1");
    }

    @ParameterizedTest
    @CsvSource({"\"k\", 86400", "\"k\";ttl=60, 60", "\"k\";ttl=999999, 86400"})
    void aKeyIsForgottenAfterItsTime(String key, long seconds) {
        redis.del("user:{expiry}", "user:{expiry}:key:k");
        server.post("/users/expiry", IdempotencyKeyHeader.NAME, key);

        assertThat(redis.ttl("user:{expiry}:key:k")).isBetween(seconds - 30, seconds);
        assertThat(redis.ttl("user:{expiry}")).as("no expiry").isEqualTo(-1);

        redis.pexpire("user:{expiry}:key:k", 0);
        assertThat(server.post("/users/expiry", IdempotencyKeyHeader.NAME, key).body())
                .isEqualTo("2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " \t", "\"\"", "unquoted", "\"k\", \"k\"", "\"k\";x=1", "\"" + LONG_ID + "\""})
    void aMalformedKeyIs400AndRedisIsNotAsked(String key) {
        long before = increments();

        assertProblem(server.post("/users/malformed-key", IdempotencyKeyHeader.NAME, key), 400, "Bad Request");

        assertThat(increments() - before).isZero();
    }

    @Test
    void aSecondKeyIs400AndRedisIsNotAsked() {
        long before = increments();

        assertProblem(
                server.post("/users/two-keys", IdempotencyKeyHeader.NAME, "\"k\"", IdempotencyKeyHeader.NAME, "\"k\""),
                400,
                "Bad Request");

        assertThat(increments() - before).isZero();
    }

    @Test
    void aProxysKeyCountsOnceUnlessTheClientHasOneOfItsOwn() {
        for (String answer : new String[] {"1", "1"}) {
            assertThat(server.post("/users/proxy", IdempotencyKeyHeader.DEFAULT_NAME, "\"p\";ttl=60")
                            .body())
                    .isEqualTo(answer);
        }
        assertThat(redis.ttl("user:{proxy}:key:p")).isBetween(1L, 60L);
        for (String answer : new String[] {"2", "2"}) {
            assertThat(server.post(
                                    "/users/proxy",
                                    IdempotencyKeyHeader.DEFAULT_NAME,
                                    "\"" + System.nanoTime() + "\"",
                                    IdempotencyKeyHeader.NAME,
                                    "\"own\"")
                            .body())
                    .isEqualTo(answer);
        }
        assertProblem(
                server.post("/users/proxy", IdempotencyKeyHeader.DEFAULT_NAME, "\"q\"", IdempotencyKeyHeader.NAME, ""),
                400,
                "Bad Request");
    }

    @Test
    void aKeyThatIsNotAsciiIs400() throws IOException {
        assertThat(server.exchange("POST /users/not-ascii HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + "Content-Length: 0\r\nIdempotency-Key: \"\u00e9\"\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ");
        assertThat(server.get("/users/not-ascii").body()).isEqualTo("0");
    }

    @Test
    void aGetIgnoresAKey() {
        assertThat(server.get("/users/nobody", IdempotencyKeyHeader.NAME, "malformed")
                        .body())
                .isEqualTo("0");
    }

    @Test
    void aKeyIsExactUpToTheLastNumber() {
        redis.set("user:{large}", "9007199254740992"); // 2^53, after which doubles are not exact
        assertThat(postKeyed("large", "k").body()).isEqualTo("9007199254740993");
        assertThat(postKeyed("large", "k").body()).isEqualTo("9007199254740993");

        redis.set("user:{large}", "9223372036854775806");
        assertThat(postKeyed("large", "last").body()).isEqualTo("9223372036854775807");
        assertProblem(postKeyed("large", "overflow"), 409, "Conflict");
        assertThat(redis.exists("user:{large}:key:overflow")).isFalse();
        assertThat(postKeyed("large", "last").body()).isEqualTo("9223372036854775807");
    }

    @Test
    void aKeyForAValueThatIsNoNumberIs500AndNotKept() {
        redis.set("user:{keyed-text}", "abc");
        redis.rpush("user:{keyed-list}", "abc");

        for (String user : new String[] {"keyed-text", "keyed-list"}) {
            assertProblem(postKeyed(user, "k"), 500, "Internal Server Error");
            assertThat(redis.exists("user:{" + user + "}:key:k")).as(user).isFalse();
        }
        assertThat(redis.get("user:{keyed-text}")).isEqualTo("abc");
        assertThat(redis.lrange("user:{keyed-list}", 0, -1)).containsExactly("abc");
    }

    @Test
    void aRecordThatIsNoNumberIs500AndCountsNothing() {
        redis.set("user:{record}:key:text", "abc");
        redis.rpush("user:{record}:key:list", "abc");

        assertProblem(postKeyed("record", "text"), 500, "Internal Server Error");
        assertProblem(postKeyed("record", "list"), 500, "Internal Server Error");
        assertThat(redis.exists("user:{record}")).isFalse();
    }

    private static HttpResponse<String> postKeyed(String user, String key) {
        return server.post("/users/" + user, IdempotencyKeyHeader.NAME, "\"" + key + "\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/users",
                "/users/",
                "/users/a/",
                "/users/a/b",
                "//users/a",
                "/nope",
                "/index.html",
                "/error",
                "/WEB-INF/web.xml"
            })
    void anUnknownPathIs404(String path) {
        assertProblem(server.get(path), 404, "Not Found");
    }

    @ParameterizedTest
    @CsvSource({"DELETE, /users/a", "PUT, /users/a", "PATCH, /users/a", "POST, /healthz", "POST, /", "POST, /page.js"})
    void aWrongMethodIs405WithAllow(String method, String path) {
        HttpResponse<String> answer = server.send(method, path);

        assertProblem(answer, 405, "Method Not Allowed");
        assertThat(answer.headers().firstValue("Allow"))
                .hasValueSatisfying(allow -> assertThat(allow).contains("GET"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "image/png",
                "text/plain;q=0",
                "*/*;q=0",
                "text/*;q=0, application/json;q=0.0, */*",
                "text/html, */*;q=0"
            })
    void anUnacceptableTypeIs406AndCountsNothing(String accept) {
        assertProblem(server.post("/users/unacceptable", "Accept", accept), 406, "Not Acceptable");
        assertProblem(
                server.post("/users/unacceptable", "Accept", accept, IdempotencyKeyHeader.NAME, "\"k\""),
                406,
                "Not Acceptable");
        assertThat(server.get("/users/unacceptable").body()).isEqualTo("0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2 | text/plain; charset=UTF-8",
                "text/plain ; q=0.2, application/json ; Q=0.5         | application/json",
                "text/plain;q=0, */*                                  | application/json",
                "application/json;note=\"a,b;q=0\"                    | application/json",
                "''                                                   | text/plain; charset=UTF-8",
            })
    void anAcceptedTypeIsServed(String accept, String type) {
        assertThat(server.get("/users/nobody", "Accept", accept).headers().firstValue("Content-Type"))
                .contains(type);
    }

    @Test
    void theTextOfHealthzIsNoJson() {
        assertProblem(server.get("/healthz", "Accept", "application/json"), 406, "Not Acceptable");
    }

    @Test
    void otherErrorsTakePrecedenceOver406() {
        assertProblem(server.get("/nope", "Accept", "image/png"), 404, "Not Found");
        assertProblem(server.send("DELETE", "/users/a", "Accept", "image/png"), 405, "Method Not Allowed");
        assertThat(server.get("/healthz", "Accept", "application/json, text/plain;q=0.1")
                        .body())
                .isEqualTo("✓");
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage;;", "*/*;q=x", "text/plain;q=2"})
    void aMalformedAcceptIs400AndCountsNothing(String value) {
        HttpResponse<String> answer = server.post("/users/malformed", "Accept", value);

        assertProblem(answer, 400, "Bad Request");
        assertThat(answer.body()).contains("Accept is");
        assertThat(server.get("/users/malformed").body()).isEqualTo("0");
    }

    /** Go sends an empty Content-Type with a POST without a body. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Content-Type",
                "Content-Encoding",
                "Content-Language",
                "Accept-Charset",
                "Accept-Encoding",
                "Accept-Language",
                "Authorization",
                "Cache-Control",
                "Cookie",
                "Date",
                "Forwarded",
                "If-Match",
                "If-Modified-Since",
                "If-None-Match",
                "If-Unmodified-Since",
                "Range",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-HTTP-Method-Override",
                "traceparent",
                "$WSSC",
                "$WSSN"
            })
    void aHeaderThatNothingHereNeedsIsIgnored(String name) throws IOException {
        long before = Long.parseLong(server.get("/users/ignored").body());
        String[] values = {"", "/", ",;", "a/b;charset=\"", "x;q=2", "-1", "\u00e9"};
        for (String value : values) {
            assertThat(server.exchange("POST /users/ignored HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            + "Content-Length: 0\r\n" + name + ": " + value + "\r\n\r\n"))
                    .as(value)
                    .startsWith("HTTP/1.1 200 ");
        }
        assertThat(server.get("/users/ignored").body()).isEqualTo(Long.toString(before + values.length));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/users/a",
                "/users/a/",
                "/users/a;b",
                "/users/a|",
                "/users/%2e",
                "/users/%zz",
                "/healthz",
                "/nope",
                "/error",
                "/health/ready",
                "/health/nothing",
                "/metrics"
            })
    void noProxyMayCacheAnAnswer(String path) throws IOException {
        for (String method : new String[] {"GET", "HEAD", "POST", "OPTIONS"}) {
            assertThat(server.exchange(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                            + "Content-Length: 0\r\n\r\n"))
                    .contains("\r\nCache-Control: no-store\r\n", "\r\nVary: Accept\r\n");
        }
    }

    @Test
    void aCharacterThatNoUriMayContainIs400() throws IOException {
        for (String path : new String[] {"/users/a|", "/users/<a>", "/a\"b", "/^`{}"}) {
            assertThat(server.exchange("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 400 ")
                    .contains("\"detail\":\"The path contains a character that no URI may contain: encode it\"");
        }
    }

    /** Liberty itself rejects these paths. The 400 must not contain internals of the server. */
    @ParameterizedTest
    @ValueSource(strings = {"/users/%zz", "/users/a%00", "/users/a%", "/../../etc/passwd"})
    void anInvalidUriIs400(String path) throws IOException {
        assertThat(server.exchange("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 400 ")
                .doesNotContain("Exception", "\tat ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/users/%2e", "/users/a%5cb", "/WEB-INF/web.xml", "/health/nothing"})
    void noResponseHasHeadersThatNameTheServer(String path) {
        assertThat(server.get(path).headers().map().keySet())
                .isSubsetOf(
                        "cache-control",
                        "connection",
                        "content-language",
                        "content-length",
                        "content-type",
                        "date",
                        "vary");
    }

    @Test
    void clientsThatResetTheirConnectionLeaveNothingInTheLog() throws Exception {
        for (int i = 0; i < 40; i++) {
            for (String path : new String[] {"/users/a", "/users/%2e", "/users/a;b", "/nope", "/error"}) {
                try (Socket socket = new Socket("127.0.0.1", server.port())) {
                    socket.setSoLinger(true, 0); // so that close() resets the connection
                    socket.getOutputStream()
                            .write(("GET " + path + " HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
                    TimeUnit.MICROSECONDS.sleep(i * 50L);
                }
            }
        }
        assertThat(server.get("/nope").statusCode()).isEqualTo(404);
        assertThat(server.log()).doesNotContain("ErrorServlet", "\tat ");
    }

    @Test
    void anOverlongUriOrHeaderIsAClean4xx() throws IOException {
        String much = "x".repeat(100_000);
        for (String request : new String[] {
            "GET /users/" + much + " HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /users/a HTTP/1.1\r\nHost: x\r\nX: " + much + "\r\n\r\n"
        }) {
            assertThat(server.exchange(request)).startsWith("HTTP/1.1 4").doesNotContain("Exception", "<html");
        }
    }

    @Test
    void aCounterAtItsMaximumIs409AndUnchanged() {
        redis.set("user:{full}", "9223372036854775806");

        assertThat(server.post("/users/full").body()).isEqualTo("9223372036854775807");
        assertProblem(server.post("/users/full"), 409, "Conflict");
        assertThat(server.get("/users/full").body()).isEqualTo("9223372036854775807");
    }

    @Test
    void aCorruptValueIs500AndUnchangedAndLoggedOnceForAtMostAThousandKeys() {
        redis.set("user:{text}", "abc");
        redis.rpush("user:{list}", "abc");

        for (int i = 0; i < 2; i++) {
            assertProblem(server.get("/users/text"), 500, "Internal Server Error");
            assertProblem(server.post("/users/text"), 500, "Internal Server Error");
            assertProblem(server.post("/users/list"), 500, "Internal Server Error");
        }

        assertThat(redis.get("user:{text}")).isEqualTo("abc");
        assertThat(redis.lrange("user:{list}", 0, -1)).containsExactly("abc");
        assertThat(server.log().lines().filter(line -> line.contains("user:{text}")))
                .hasSize(1);
        assertThat(server.log().lines().filter(line -> line.contains("user:{list}")))
                .hasSize(1);

        for (int i = 0; i < 1_100; i++) {
            redis.set("user:{broken-" + i + "}", "abc");
            server.get("/users/broken-" + i);
        }
        assertThat(server.log().lines().filter(line -> line.contains("is no number")))
                .hasSize(1_000);
    }

    @Test
    void healthEndpoints() {
        for (String path : new String[] {"/health/started", "/health/live", "/health/ready"}) {
            assertThat(server.get(path).statusCode()).as(path).isEqualTo(200);
        }
        assertThat(server.get("/health/ready").body()).contains("\"redis\"", "UP");
    }

    @Test
    void aServerWithoutAnImageHasNoVersion() {
        assertThat(Metrics.of(server).series())
                .contains("user_counter_build_info{revision=\"unknown\",version=\"dev\"}");
    }

    @ParameterizedTest
    @CsvSource({
        "/, text/html",
        "/page.css, text/css",
        "/page.js, text/javascript",
        "/docs, text/html",
        "/docs/start.js, text/javascript",
        "/docs/swagger-ui.css, text/css",
        "/docs/swagger-ui-bundle.js, text/javascript",
        "/openapi, text/plain"
    })
    void theFilesForPeople(String path, String type) {
        HttpResponse<String> answer = server.get(path, "Accept", "text/html,application/xhtml+xml");

        assertThat(answer.headers().firstValue("Content-Type"))
                .hasValueSatisfying(value -> assertThat(value).startsWith(type));
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache");
    }

    @Test
    void theLogIsShortAndWithoutThePassword() {
        assertThat(server.log())
                .contains("http://localhost:" + server.port() + "/")
                .doesNotContain("se cret", "Exception", "SLF4J");
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String title) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body())
                .matches("\\{\"type\":\"about:blank\",\"title\":\"" + title + "\",\"status\":" + status
                        + ",\"detail\":\"[^\"<\\\\]+\"}");
    }
}
