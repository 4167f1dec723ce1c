package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static usercounter.testkit.Problems.assertMethodNotAllowed;
import static usercounter.testkit.Problems.assertProblem;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.another.OrdersResource;
import usercounter.another.VisitsResource;
import usercounter.testkit.Metrics;
import usercounter.testkit.ServerOnRedis;

/** What the service does for every resource, over HTTP. */
class ApiIT {

    @RegisterExtension
    static final ServerOnRedis server = new ServerOnRedis(VisitsResource.class, OrdersResource.class);

    /** Errors of a client are not the service's. */
    @AfterEach
    void theLogIsShortAndWithoutThePassword() {
        assertThat(server.log())
                .contains("http://localhost:" + server.port() + "/")
                .doesNotContain(ServerOnRedis.PASSWORD, "SEVERE", "Exception", "\tat ", "ErrorServlet", "SLF4J");
    }

    @Test
    void theResponseBytesOfTheTutorial() throws IOException {
        assertThat(server.exchange("GET", "/healthz"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Type: text/plain; charset=UTF-8\r\n", "\r\nContent-Length: 3\r\n")
                .endsWith("\r\n\r\n✓")
                .doesNotContain("Server:", "X-Powered-By");
        assertThat(server.exchange("GET", "/visits/none"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains("\r\nContent-Type: text/plain; charset=UTF-8\r\n", "\r\nContent-Length: 1\r\n")
                .endsWith("\r\n\r\n0");
    }

    @Test
    void headAndOptions() {
        assertThat(server.send("HEAD", "/visits/head").statusCode()).isEqualTo(200);
        assertThat(server.send("OPTIONS", "/visits/head").headers().firstValue("Allow"))
                .hasValueSatisfying(allow -> assertThat(allow).contains("GET", "POST"));
    }

    private static HttpResponse<String> order(String contentType, String body) {
        return server.sendBody("POST", "/orders?times=3", body, "Content-Type", contentType);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"application/json", "application/json;charset=utf-8", "application/json ; charset=\"UTF-8\""})
    void readsABodyAndAQuery(String contentType) {
        HttpResponse<String> created = order(contentType, "{\"item\":\"tea\",\"amount\":2}");

        assertThat(created.statusCode()).isEqualTo(200);
        assertThat(created.body()).isEqualTo("{\"amount\":6,\"item\":\"tea\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"amount\":\"two\"}", "null", "\u0000"})
    void aMalformedBodyIs400(String body) {
        assertProblem(order("application/json", body), 400)
                .isEqualTo("The body is malformed, or not as /docs describes it");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "json", "application/json;charset", ""})
    void anotherMediaTypeIs415(String contentType) {
        assertProblem(order(contentType, "{}"), 415)
                .isEqualTo("This resource does not read this Content-Type: /docs has those that it reads");
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 404, 409, 418, 422, 451})
    void anErrorKeepsItsStatusAndItsMessage(int status) {
        assertProblem(server.get("/orders/failures/" + status), status).isEqualTo("Why it is " + status);
    }

    @Test
    void anErrorKeepsItsHeadersAndABodyOfItsOwn() {
        HttpResponse<String> busy = server.get("/orders/busy");
        assertProblem(busy, 429).isEqualTo("Too Many Requests");
        assertThat(busy.headers().firstValue("Retry-After")).contains("7");

        HttpResponse<String> own = server.get("/orders/own");
        assertThat(own.statusCode()).isEqualTo(409);
        assertThat(own.body()).isEqualTo("{\"own\":1}");
    }

    @Test
    void aResponseWithoutABody() {
        assertThat(server.send("DELETE", "/orders/7").statusCode()).isEqualTo(204);
        HttpResponse<String> redirect = server.get("/orders/7/page");
        assertThat(redirect.statusCode()).isEqualTo(303);
        assertThat(redirect.headers().firstValue("Location").orElseThrow()).endsWith("/");
        assertThat(redirect.body()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /visits",
        "GET, /visits/",
        "GET, /visits/a/",
        "GET, /visits/a/b",
        "GET, //visits/a",
        "GET, /nope",
        "GET, /index.html",
        "GET, /error",
        "GET, /WEB-INF/web.xml",
        "DELETE, /orders/seven"
    })
    void anUnknownPathIs404(String method, String path) {
        assertProblem(server.send(method, path), 404)
                .isEqualTo("No resource has this path: /docs has those of the API");
    }

    @ParameterizedTest
    @CsvSource({"DELETE, /visits/a", "PUT, /visits/a", "PATCH, /visits/a", "POST, /healthz", "POST, /docs"})
    void aWrongMethodIs405WithAllow(String method, String path) {
        assertMethodNotAllowed(server.send(method, path), "GET");
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
        assertProblem(server.post("/visits/unacceptable", "Accept", accept), 406);
        assertThat(server.get("/visits/unacceptable").body()).isEqualTo("0");
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
        assertThat(server.get("/visits/none", "Accept", accept).headers().firstValue("Content-Type"))
                .contains(type);
    }

    @Test
    void theTextOfHealthzIsNoJson() {
        assertProblem(server.get("/healthz", "Accept", "application/json"), 406);
        assertThat(server.get("/healthz", "Accept", "application/json, text/plain;q=0.1")
                        .body())
                .isEqualTo("✓");
    }

    @Test
    void otherErrorsTakePrecedenceOver406() {
        assertProblem(server.get("/nope", "Accept", "image/png"), 404);
        assertProblem(server.send("DELETE", "/visits/a", "Accept", "image/png"), 405);
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage;;", "*/*;q=x", "text/plain;q=2"})
    void aMalformedAcceptIs400AndCountsNothing(String value) {
        assertProblem(server.post("/visits/malformed", "Accept", value), 400).contains("Accept is");
        assertThat(server.get("/visits/malformed").body()).isEqualTo("0");
    }

    static final List<String> aHeaderThatNothingHereNeedsIsIgnored = List.of("""
            Content-Type Content-Encoding Content-Language Accept-Charset Accept-Encoding Accept-Language Authorization
            Cache-Control Cookie Date Forwarded If-Match If-Modified-Since If-None-Match If-Unmodified-Since Range
            X-Forwarded-For X-Forwarded-Proto X-HTTP-Method-Override traceparent $WSSC $WSSN
            """.split("\\s+"));

    /** Go sends an empty Content-Type with a POST without a body. */
    @ParameterizedTest
    @FieldSource
    void aHeaderThatNothingHereNeedsIsIgnored(String name) throws IOException {
        long before = Long.parseLong(server.get("/visits/ignored").body());
        String[] values = {"", "/", ",;", "a/b;charset=\"", "x;q=2", "-1", "\u00e9"};
        for (String value : values) {
            assertThat(server.exchange("POST", "/visits/ignored", name + ": " + value))
                    .as(value)
                    .startsWith("HTTP/1.1 200 ");
        }
        assertThat(server.get("/visits/ignored").body()).isEqualTo(Long.toString(before + values.length));
    }

    static final List<String> noProxyMayCacheAnAnswer = List.of("""
            /visits/a /visits/a/ /visits/a;b /visits/a| /visits/%zz /orders/failures/400
            /healthz /nope /error /health/ready /health/nothing /metrics
            """.split("\\s+"));

    @ParameterizedTest
    @FieldSource
    void noProxyMayCacheAnAnswer(String path) throws IOException {
        for (String method : new String[] {"GET", "HEAD", "POST", "OPTIONS"}) {
            assertThat(server.exchange(method, path))
                    .contains("\r\nCache-Control: no-store\r\n", "\r\nVary: Accept\r\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/visits/a|", "/visits/<a>", "/a\"b", "/^`{}"})
    void aCharacterThatNoUriMayContainIs400(String path) throws IOException {
        assertThat(server.exchange("GET", path))
                .startsWith("HTTP/1.1 400 ")
                .contains("\"detail\":\"The path contains a character that no URI may contain: encode it\"");
    }

    /** Liberty itself rejects these paths. The 400 must not contain internals of the server. */
    @ParameterizedTest
    @ValueSource(strings = {"/visits/%zz", "/visits/a%00", "/visits/a%", "/../../etc/passwd"})
    void anInvalidUriIs400(String path) throws IOException {
        assertThat(server.exchange("GET", path)).startsWith("HTTP/1.1 400 ").doesNotContain("Exception", "\tat ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/visits/a", "/orders/failures/400", "/visits/a;b", "/WEB-INF/web.xml", "/health/nothing"})
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

    /** See the log. */
    @Test
    void clientsResetTheirConnections() throws Exception {
        for (int i = 0; i < 40; i++) {
            for (String path : new String[] {"/visits/a", "/orders/failures/400", "/visits/a;b", "/nope", "/error"}) {
                try (Socket socket = server.connect()) {
                    socket.setSoLinger(true, 0); // so that close() resets the connection
                    socket.getOutputStream()
                            .write(("GET " + path + " HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
                    TimeUnit.MICROSECONDS.sleep(i * 50L);
                }
            }
        }
        assertThat(server.get("/nope").statusCode()).isEqualTo(404);
    }

    @Test
    void anOverlongUriOrHeaderIsAClean4xx() throws IOException {
        String much = "x".repeat(100_000);
        for (String answer : new String[] {
            server.exchange("GET", "/visits/" + much), server.exchange("GET", "/visits/a", "X: " + much)
        }) {
            assertThat(answer).startsWith("HTTP/1.1 4").doesNotContain("Exception", "<html");
        }
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
        "/docs, text/html",
        "/docs/start.js, text/javascript",
        "/docs/swagger-ui.css, text/css",
        "/docs/swagger-ui-bundle.js, text/javascript",
        "/openapi, text/plain"
    })
    void theFilesOfTheReference(String path, String type) {
        HttpResponse<String> answer = server.get(path, "Accept", "text/html,application/xhtml+xml");

        assertThat(answer.headers().firstValue("Content-Type"))
                .hasValueSatisfying(value -> assertThat(value).startsWith(type));
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache");
    }
}
