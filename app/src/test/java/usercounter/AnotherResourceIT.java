package usercounter;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.IOException;
import java.io.StringReader;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.dev.RedisServer;
import usercounter.orders.OrdersResource;
import usercounter.testkit.Endpoint;
import usercounter.testkit.PackagedServer;

/** What the service does for every resource: bodies, and errors as problem documents. */
class AnotherResourceIT {

    @TempDir
    static Path folder;

    @AutoClose
    static RedisServer redis;

    @AutoClose
    static PackagedServer server;

    @BeforeAll
    static void start() throws IOException {
        redis = RedisServer.start(folder.resolve("redis"), RedisServer.freePort());
        server = PackagedServer.start(
                folder,
                Map.of(
                        "REDIS_URL",
                        "127.0.0.1:" + redis.port(),
                        "WLP_USER_DIR",
                        PackagedServer.copyWith(folder.resolve("usr"), OrdersResource.class)
                                .toString()));
    }

    private static HttpResponse<String> create(String contentType, String body) {
        return Endpoint.send(HttpRequest.newBuilder(server.uri("/orders?times=3"))
                .header("Content-Type", contentType)
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"application/json", "application/json;charset=utf-8", "application/json ; charset=\"UTF-8\""})
    void readsABodyAndAQuery(String contentType) {
        HttpResponse<String> created = create(contentType, "{\"item\":\"tea\",\"amount\":2}");

        assertThat(created.statusCode()).isEqualTo(200);
        assertThat(created.body()).isEqualTo("{\"amount\":6,\"item\":\"tea\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "{\"amount\":\"two\"}", "null", "\u0000"})
    void aMalformedBodyIs400(String body) {
        assertProblem(create("application/json", body), 400, "The body is malformed, or not as /docs describes it");
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "json", "application/json;charset", ""})
    void anotherMediaTypeIs415(String contentType) {
        assertProblem(
                create(contentType, "{}"),
                415,
                "This resource does not read this Content-Type: /docs has those that it reads");
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 404, 409, 418, 422, 451})
    void anErrorKeepsItsStatusAndItsMessage(int status) {
        assertProblem(server.get("/orders/failures/" + status), status, "Why it is " + status);
    }

    @Test
    void anErrorKeepsItsHeadersAndABodyOfItsOwn() {
        HttpResponse<String> busy = server.get("/orders/busy");
        assertProblem(busy, 429, "Too Many Requests");
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

    @Test
    void aMalformedParameterOfThePathIs404() {
        assertProblem(
                server.send("DELETE", "/orders/seven"), 404, "No resource has this path: /docs has those of the API");
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String detail) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        JsonObject problem = Json.createReader(new StringReader(answer.body())).readObject();
        assertThat(problem.getInt("status")).isEqualTo(status);
        assertThat(problem.getString("title")).isNotBlank();
        assertThat(problem.getString("detail")).isEqualTo(detail);
        assertThat(server.log())
                .as("the log: a fault of the client is none of the service")
                .doesNotContain("SEVERE", "at usercounter");
    }
}
