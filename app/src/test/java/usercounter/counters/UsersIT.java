package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertProblem;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Jedis;
import usercounter.testkit.JsonLog;
import usercounter.testkit.Metrics;
import usercounter.testkit.ServerOnRedis;

/** The users' numbers and their keys over HTTP, without nginx. */
class UsersIT {

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis().withVariablesIn("Containerfile", "WLP_LOGGING_\\w+");

    private static Jedis redis;

    @BeforeAll
    static void connect() {
        redis = server.jedis();
    }

    @AfterAll
    static void disconnect() {
        redis.close();
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
            assertThat(server.sendBody("POST", "/users/body", "{".repeat(1_000_000), "Content-Type", type)
                            .statusCode())
                    .isEqualTo(200);
        }
        assertThat(server.get("/users/body").body()).isEqualTo("3");
    }

    @Test
    void percentEncodingOfUnreservedCharactersChangesNothing() {
        server.post("/users/encoded");

        assertThat(server.get("/users/%65ncode%64").body()).isEqualTo("1");
    }

    private static final String LONG_ID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0";

    static final List<String> anInvalidIdIs400AndRedisIsNotAsked =
            List.of("a%20b a+b a:b %C3%A9 %7B1%7D a%2Fb a;b=1 a; %ff . .. %2e "
                    .concat(LONG_ID)
                    .split(" "));

    @ParameterizedTest
    @FieldSource
    void anInvalidIdIs400AndRedisIsNotAsked(String id) {
        server.post("/users/valid");
        long before = increments();

        assertProblem(server.post("/users/" + id), 400);
        assertThat(increments() - before).isZero();

        server.post("/users/valid");
        assertThat(increments() - before).isEqualTo(1);
    }

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
    void requestsInFlightWithTheSameKeyCountOnce() {
        var answers = Stream.generate(() -> server.postLater("/users/in-flight", IdempotencyKeyHeader.NAME, "\"k\""))
                .limit(50)
                .toList();

        assertThat(answers.stream().map(CompletableFuture::join).map(HttpResponse::body))
                .containsOnly("1");
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
    void aMalformedOrSecondKeyIs400AndRedisIsNotAsked(String key) {
        long before = increments();

        assertProblem(server.post("/users/a", IdempotencyKeyHeader.NAME, key), 400);
        assertProblem(
                server.post("/users/a", IdempotencyKeyHeader.NAME, "\"k\"", IdempotencyKeyHeader.NAME, "\"k\""), 400);

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
                400);
    }

    @Test
    void aKeyThatIsNotAsciiIs400() throws IOException {
        assertThat(server.exchange("POST", "/users/not-ascii", "Idempotency-Key: \"\u00e9\""))
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
        assertProblem(postKeyed("large", "overflow"), 409);
        assertThat(redis.exists("user:{large}:key:overflow")).isFalse();
        assertThat(postKeyed("large", "last").body()).isEqualTo("9223372036854775807");
    }

    @Test
    void aKeyForAValueThatIsNoNumberIs500AndNotKept() {
        redis.set("user:{keyed-text}", "abc");
        redis.rpush("user:{keyed-list}", "abc");

        for (String user : new String[] {"keyed-text", "keyed-list"}) {
            assertProblem(postKeyed(user, "k"), 500);
            assertThat(redis.exists("user:{" + user + "}:key:k")).as(user).isFalse();
        }
        assertThat(redis.get("user:{keyed-text}")).isEqualTo("abc");
        assertThat(redis.lrange("user:{keyed-list}", 0, -1)).containsExactly("abc");
    }

    @Test
    void aRecordThatIsNoNumberIs500AndCountsNothing() {
        redis.set("user:{record}:key:text", "abc");
        redis.rpush("user:{record}:key:list", "abc");

        assertProblem(postKeyed("record", "text"), 500);
        assertProblem(postKeyed("record", "list"), 500);
        assertThat(redis.exists("user:{record}")).isFalse();
    }

    private static HttpResponse<String> postKeyed(String user, String key) {
        return server.post("/users/" + user, IdempotencyKeyHeader.NAME, "\"" + key + "\"");
    }

    @Test
    void aCounterAtItsMaximumIs409AndUnchanged() {
        redis.set("user:{full}", "9223372036854775806");

        assertThat(server.post("/users/full").body()).isEqualTo("9223372036854775807");
        assertProblem(server.post("/users/full"), 409);
        assertThat(server.get("/users/full").body()).isEqualTo("9223372036854775807");
    }

    @Test
    void aCorruptValueIs500AndUnchangedAndLoggedOnceForAtMostAThousandKeys() {
        redis.set("user:{text}", "abc");
        redis.rpush("user:{list}", "abc");

        for (String id : new String[] {"first", "second"}) {
            assertProblem(server.get("/users/text", "X-Request-ID", id), 500);
            assertProblem(server.post("/users/text"), 500);
            assertProblem(server.post("/users/list"), 500);
        }

        assertThat(redis.get("user:{text}")).isEqualTo("abc");
        assertThat(redis.lrange("user:{list}", 0, -1)).containsExactly("abc");
        assertThat(JsonLog.lines(server.log(), "user:{text}")).singleElement().satisfies(line -> {
            assertThat(line.getString("severity")).isEqualTo("SEVERE");
            assertThat(line.getString("request_id")).isEqualTo("first");
        });
        assertThat(server.log("user:{list}")).hasSize(1);

        for (int i = 0; i < 1_100; i++) {
            redis.set("user:{broken-" + i + "}", "abc");
            server.get("/users/broken-" + i);
        }
        assertThat(server.log("is no number")).hasSize(1_000);
    }

    @Test
    void theMetricsHaveTheCommandsAndNoTextOfAClient() {
        server.get("/users/very-special");
        server.post("/users/very-special");
        postKeyed("very-special", "very-special");

        Set<String> series = Metrics.of(server).series();
        assertThat(series).noneMatch(each -> each.contains("special"));
        for (String command : new String[] {"GET", "INCR", "EVAL"}) {
            assertThat(series).anyMatch(each -> each.contains("db_operation_name=\"" + command + "\""));
        }
    }

    @Test
    void aFullRedisCountsNothingAndKeepsNoKey() {
        redis.configSet("maxmemory", "1");
        assertProblem(postKeyed("full-redis", "k"), 503);
        redis.configSet("maxmemory", "0");

        assertThat(postKeyed("full-redis", "k").body()).isEqualTo("1");
    }

    @ParameterizedTest
    @CsvSource({"/, text/html", "/page.css, text/css", "/page.js, text/javascript"})
    void theFilesOfThePage(String path, String type) {
        HttpResponse<String> answer = server.get(path, "Accept", "text/html,application/xhtml+xml");

        assertThat(answer.headers().firstValue("Content-Type"))
                .hasValueSatisfying(value -> assertThat(value).startsWith(type));
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache");
        assertProblem(server.post(path), 405);
    }
}
