package usercounter.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A backend for nginx that shows what nginx sends. */
public final class Backend implements Endpoint, AutoCloseable {

    private final AtomicInteger requests = new AtomicInteger();
    private final HttpServer server;

    private Backend(HttpHandler answer) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            requests.incrementAndGet();
            answer.handle(exchange);
        });
        server.start();
    }

    /** It closes the connection of each request, which it may have executed. */
    public static Backend dying() throws IOException {
        return new Backend(exchange -> {
            throw new IOException("no answer");
        });
    }

    /** It answers with the request, in lines: the method and the path, the headers, and the body. */
    public static Backend echoing() throws IOException {
        return new Backend(Backend::echo);
    }

    private static void echo(HttpExchange exchange) throws IOException {
        try (exchange) {
            StringBuilder lines =
                    new StringBuilder(exchange.getRequestMethod() + " " + exchange.getRequestURI() + "\n");
            exchange.getRequestHeaders()
                    .forEach((name, values) -> lines.append(name + ": " + String.join(",", values) + "\n"));
            lines.append(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            byte[] answer = lines.toString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    /** The number of requests so far. */
    public int requests() {
        return requests.get();
    }

    @Override
    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
