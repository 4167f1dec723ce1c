package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** Requests to the load balancer over persistent connections. The pom.xml sets the properties of the JDK's client. */
final class Http {

    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .sslContext(Gateway.trust())
            .sslParameters(Gateway.serverName())
            .build();

    private Http() {}

    static HttpResponse<String> get(String url) {
        return send(HttpRequest.newBuilder(URI.create(url)).GET());
    }

    static HttpResponse<String> post(String url) {
        return post(url, "");
    }

    /** @param key the idempotency key, without quotes */
    static HttpResponse<String> postWithKey(String url, String key) {
        return send(HttpRequest.newBuilder(URI.create(url))
                .header("Idempotency-Key", '"' + key + '"')
                .POST(BodyPublishers.noBody()));
    }

    static HttpResponse<String> post(String url, String body) {
        return send(HttpRequest.newBuilder(URI.create(url)).POST(BodyPublishers.ofString(body)));
    }

    /**
     * Repeats a request until it is answered 200, and returns the body of that answer. A POST needs an idempotency key.
     */
    static String untilAnswered(Supplier<HttpResponse<String>> request) {
        AtomicReference<String> body = new AtomicReference<>();
        Cluster.await("an answer 200", Duration.ofMinutes(2), () -> {
            try {
                HttpResponse<String> answer = request.get();
                body.set(answer.body());
                return answer.statusCode() == 200;
            } catch (UncheckedIOException e) {
                return false;
            }
        });
        return body.get();
    }

    /** The bytes of the answer to a GET of this path. */
    static String raw(String path) {
        URI uri = URI.create(Cluster.url(path));
        try (Socket socket = new Socket(uri.getHost(), 80)) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream()
                    .write("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                            .formatted(path, uri.getHost())
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The address of this machine from which it reaches another one. */
    static String ownAddressTowards(String host, int port) {
        try (Socket socket = new Socket(host, port)) {
            return socket.getLocalAddress().getHostAddress();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) {
        request.timeout(Duration.ofSeconds(30));
        if (request.build().uri().getScheme().equals("https")) {
            request.header("Host", Gateway.HOST);
        }
        try {
            return CLIENT.send(request.build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
