package usercounter;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import usercounter.dev.RedisServer;

/** nginx with the configuration of the frontend, except for folders and ports, in front of some backends. */
final class Nginx implements Endpoint, AutoCloseable {

    private static final Path BASE = Path.of("..", "base", "frontend");
    private static final Path NO_RATE_LIMIT = Path.of("..", "components", "no-rate-limit", "rate-limit.conf");
    private static final Path PAGE = Path.of("..", "base", "frontend", "page");
    private static final Pattern SERVICE = Pattern.compile("app:1323");

    private final int port;
    private final Path log;
    private final Process process;

    private Nginx(int port, Path log, Process process) {
        this.port = port;
        this.log = log;
        this.process = process;
    }

    /** Skips a test if nginx is not installed. With CI=true, the test fails instead. */
    static void requireInstalled() {
        if (Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .noneMatch(folder -> Files.isExecutable(Path.of(folder, "nginx")))) {
            String message = "No nginx on the PATH: install it (https://nginx.org)";
            if ("true".equals(System.getenv("CI"))) {
                fail(message);
            }
            abort(message);
        }
    }

    /** Starts it with the base's rate limit. */
    static Nginx start(Path folder, PackagedServer... backends) throws IOException {
        return start(folder, "", backends);
    }

    /** Starts it in front of this port, with the base's rate limit. */
    static Nginx start(Path folder, int backend) throws IOException {
        Files.copy(BASE.resolve("rate-limit.conf"), folder.resolve("rate-limit.conf"));
        return launch(folder, backend);
    }

    /**
     * Starts it with further lines in {@code rate-limit.conf}, and waits until it accepts connections.
     *
     * @param folder for its files
     * @param backends replace the Service, whose connections lead to different pods
     */
    static Nginx start(Path folder, String more, PackagedServer... backends) throws IOException {
        Files.writeString(folder.resolve("rate-limit.conf"), Files.readString(BASE.resolve("rate-limit.conf")) + more);
        return launch(folder, ports(backends));
    }

    /** The same with {@code components/no-rate-limit}. */
    static Nginx startWithoutRateLimit(Path folder, PackagedServer... backends) throws IOException {
        Files.copy(NO_RATE_LIMIT, folder.resolve("rate-limit.conf"));
        return launch(folder, ports(backends));
    }

    private static int[] ports(PackagedServer... backends) {
        return Stream.of(backends).mapToInt(PackagedServer::port).toArray();
    }

    private static Nginx launch(Path folder, int... backends) throws IOException {
        Files.copy(BASE.resolve("clients.conf"), folder.resolve("clients.conf"));
        // If root starts nginx, its workers run as another user, and have their cache in this folder.
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        int port = RedisServer.freePort();
        int[] next = {0};
        String configuration = SERVICE.matcher(Files.readString(BASE.resolve("nginx.conf")))
                .replaceAll(service -> "127.0.0.1:" + backends[next[0]++ % backends.length])
                .replace("listen 8080", "listen 127.0.0.1:" + port)
                .replace("listen 8081", "listen 127.0.0.1:" + RedisServer.freePort())
                .replace("listen 127.0.0.1:8082", "listen 127.0.0.1:" + RedisServer.freePort())
                .replace("/tmp/", folder + "/")
                .replace("/srv/page", PAGE.toAbsolutePath().toString());
        Path file = Files.writeString(folder.resolve("nginx.conf"), configuration);
        Path log = folder.resolve("nginx.log");
        Nginx nginx = new Nginx(port, log, run(file, log));
        while (!nginx.takesConnections()) {
            if (!nginx.process.isAlive()) {
                throw new AssertionError("nginx did not start:\n" + nginx.log());
            }
        }
        return nginx;
    }

    private static Process run(Path configuration, Path log) throws IOException {
        return new ProcessBuilder("nginx", "-c", configuration.toString(), "-e", "stderr", "-g", "daemon off;")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    private boolean takesConnections() {
        try (Socket socket = new Socket("127.0.0.1", port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public int port() {
        return port;
    }

    /** The lines of requests and errors, as soon as one of them contains this text: nginx writes them within a second. */
    String log(String text) {
        Waiting.until("line with " + text, () -> log().contains(text));
        return log();
    }

    private String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
