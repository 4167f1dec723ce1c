package usercounter.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final Path PAGE = BASE.resolve("page");
    private static final Path DEPLOYMENT = BASE.resolve("deployment.yaml");

    /** For the resource that the tests add: a prefix, as a team may write it. */
    private static final String LOCATION = "location /visits/ { proxy_pass http://backend$uri$is_args$args; }\n";

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

    /**
     * Starts it, and waits until it accepts connections.
     *
     * @param folder for its files
     * @param backends replace the Service, whose connections lead to different pods
     */
    public static Nginx start(Path folder, Endpoint... backends) throws IOException {
        return start(folder, "", backends);
    }

    /** The same with further lines in {@code rate-limit.conf}. */
    public static Nginx start(Path folder, String more, Endpoint... backends) throws IOException {
        String limit = Files.readString(BASE.resolve("rate-limit.conf")).replace("docs|", "docs|visits/|");
        return start(folder, limit + more, startScript(), backends);
    }

    /** The same with {@code components/no-rate-limit}. */
    public static Nginx startWithoutRateLimit(Path folder, Endpoint... backends) throws IOException {
        return start(folder, Files.readString(NO_RATE_LIMIT), startScript(), backends);
    }

    /** The same on a node without IPv6. */
    public static Nginx startWithoutIpv6(Path folder, Endpoint... backends) throws IOException {
        return start(folder, "", startScript().replace("/proc/net/if_inet6", "/nothing"), backends);
    }

    private static String startScript() {
        return new YAMLMapper()
                .readTree(DEPLOYMENT)
                .at("/spec/template/spec/containers/0/command/2")
                .stringValue();
    }

    private static Nginx start(Path folder, String rateLimit, String startScript, Endpoint... backends)
            throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(BASE, "*.conf")) {
            for (Path file : files) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.writeString(folder.resolve("rate-limit.conf"), rateLimit);
        int[] ports = Stream.of(backends).mapToInt(Endpoint::port).toArray();
        int port = RedisServer.freePort();
        int probes = RedisServer.freePort();
        int[] next = {0};
        String configuration = SERVICE.matcher(Files.readString(BASE.resolve("nginx.conf")))
                .replaceAll(service -> "127.0.0.1:" + ports[next[0]++ % ports.length])
                .replace("location / {", LOCATION + "location / {")
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
