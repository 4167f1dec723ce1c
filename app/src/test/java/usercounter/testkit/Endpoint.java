package usercounter.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** An HTTP server on the loopback address. Each answer is compared with openapi.yaml, except for those of exchange(). */
public interface Endpoint {

    HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    int port();

    default HttpResponse<String> get(String path, String... headers) {
        return send("GET", path, headers);
    }

    default HttpResponse<String> post(String path, String... headers) {
        return send("POST", path, headers);
    }

    /** Sends a request without a body. The headers are alternating names and values. */
    default HttpResponse<String> send(String method, String path, String... headers) {
        return send(request(method, path, BodyPublishers.noBody(), headers));
    }

    default HttpResponse<String> sendBody(String method, String path, String body, String... headers) {
        return send(request(method, path, BodyPublishers.ofString(body), headers));
    }

    /** Posts without waiting for the answer. */
    default CompletableFuture<HttpResponse<String>> postLater(String path, String... headers) {
        return HTTP.sendAsync(request("POST", path, BodyPublishers.noBody(), headers), BodyHandlers.ofString())
                .thenApply(OpenApiDocument::assertDescribes);
    }

    private HttpRequest request(String method, String path, BodyPublisher body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
                .method(method, body)
                .timeout(Duration.ofMinutes(2));
        return (headers.length > 0 ? request.headers(headers) : request).build();
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try {
            return OpenApiDocument.assertDescribes(HTTP.send(request, BodyHandlers.ofString()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Sends and receives bytes that an HTTP client would refuse or hide. Each header is a line. */
    default String exchange(String method, String path, String... headers) throws IOException {
        try (Socket socket = connect()) {
            String request = method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n";
            for (String header : headers) {
                request += header + "\r\n";
            }
            socket.getOutputStream().write((request + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A connection whose reads end after 30 s. */
    default Socket connect() throws IOException {
        Socket socket = new Socket("127.0.0.1", port());
        socket.setSoTimeout(30_000);
        return socket;
    }
}
