package usercounter.testkit;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.dataformat.yaml.YAMLMapper;
import usercounter.Programs;
import usercounter.dev.RedisServer;

/** nginx with the start script and configuration of the frontend, except for folders and ports, before some backends. */
public final class Nginx implements Endpoint, AutoCloseable {

    public static final Path BASE = Path.of("..", "base", "frontend");
    private static final Path NO_RATE_LIMIT = Path.of("..", "components", "no-rate-limit", "rate-limit.conf");
    private static final Path PAGE = Path.of("..", "base", "frontend", "page");
    private static final Path DEPLOYMENT = Path.of("..", "base", "frontend", "deployment.yaml");
    private static final Pattern SERVICE = Pattern.compile("app:1323");

    private final int port;
    private final Path log;
    private final Process process;

    private Nginx(int port, Path log, Process process) {
        this.port = port;
        this.log = log;
        this.process = process;
    }

    public static boolean isInstalled() {
        return Programs.isInstalledOrNotRequired("nginx");
    }

    /** Starts it with the base's rate limit. */
    public static Nginx start(Path folder, PackagedServer... backends) throws IOException {
        return start(folder, "", backends);
    }

    /** Starts it in front of this port, with the base's rate limit. */
    public static Nginx start(Path folder, int backend) throws IOException {
        Files.copy(BASE.resolve("rate-limit.conf"), folder.resolve("rate-limit.conf"));
        return launch(folder, backend);
    }

    /** The same with one more location. */
    public static Nginx startWithLocation(Path folder, String location, int backend) throws IOException {
        Files.writeString(folder.resolve("users.conf"), location);
        return start(folder, backend);
    }

    /**
     * Starts it with further lines in {@code rate-limit.conf}, and waits until it accepts connections.
     *
     * @param folder for its files
     * @param backends replace the Service, whose connections lead to different pods
     */
    public static Nginx start(Path folder, String more, PackagedServer... backends) throws IOException {
        Files.writeString(folder.resolve("rate-limit.conf"), Files.readString(BASE.resolve("rate-limit.conf")) + more);
        return launch(folder, ports(backends));
    }

    /** The same with {@code components/no-rate-limit}. */
    public static Nginx startWithoutRateLimit(Path folder, PackagedServer... backends) throws IOException {
        Files.copy(NO_RATE_LIMIT, folder.resolve("rate-limit.conf"));
        return launch(folder, ports(backends));
    }

    /** The same on a node without IPv6. */
    public static Nginx startWithoutIpv6(Path folder, PackagedServer... backends) throws IOException {
        Files.copy(NO_RATE_LIMIT, folder.resolve("rate-limit.conf"));
        return launch(folder, startScript().replace("/proc/net/if_inet6", "/nothing"), ports(backends));
    }

    private static String startScript() {
        return new YAMLMapper()
                .readTree(DEPLOYMENT)
                .at("/spec/template/spec/containers/0/command/2")
                .stringValue();
    }

    private static int[] ports(PackagedServer... backends) {
        return Stream.of(backends).mapToInt(PackagedServer::port).toArray();
    }

    private static Nginx launch(Path folder, int... backends) throws IOException {
        return launch(folder, startScript(), backends);
    }

    private static Nginx launch(Path folder, String startScript, int... backends) throws IOException {
        for (String file : List.of("clients.conf", "proxy-headers.conf", "users.conf")) {
            Files.writeString(folder.resolve(file), Files.readString(BASE.resolve(file)), CREATE, APPEND);
        }
        int port = RedisServer.freePort();
        int probes = RedisServer.freePort();
        int[] next = {0};
        String configuration = SERVICE.matcher(Files.readString(BASE.resolve("nginx.conf")))
                .replaceAll(service -> "127.0.0.1:" + backends[next[0]++ % backends.length])
                .replace("listen 8080", "listen 127.0.0.1:" + port)
                .replace("listen 8081", "listen 127.0.0.1:" + probes)
                .replace("listen 127.0.0.1:8082", "listen 127.0.0.1:" + RedisServer.freePort())
                .replace("/tmp/", folder + "/")
                .replace("/srv/page", PAGE.toAbsolutePath().toString());
        Path file = Files.writeString(folder.resolve("nginx.conf"), configuration);
        String script = startScript
                .replace("getent hosts app", "getent hosts localhost")
                .replace(":8080", ":" + port)
                .replace(":8081", ":" + probes)
                .replace("/tmp/", folder + "/")
                .replace("exec nginx", "exec nginx -e stderr -c " + file);
        if (System.getProperty("user.name").equals("root")) {
            // Otherwise the workers of root's nginx run as a user that cannot read every folder.
            script = script.replace("daemon off;", "daemon off; user root;");
        }
        Path log = folder.resolve("nginx.log");
        Nginx nginx = new Nginx(port, log, run(script, log));
        Waiting.until("a connection to nginx", () -> {
            if (!nginx.process.isAlive()) {
                throw new AssertionError("nginx did not start:\n" + nginx.log());
            }
            return nginx.accepts("127.0.0.1");
        });
        return nginx;
    }

    private static Process run(String script, Path log) throws IOException {
        return new ProcessBuilder("sh", "-ec", script)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
    }

    /** Whether it accepts a connection to this address. */
    public boolean accepts(String address) {
        try (Socket socket = new Socket(address, port)) {
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
    public String log(String text) {
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
