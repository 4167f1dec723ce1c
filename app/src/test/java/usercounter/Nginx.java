package usercounter;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import usercounter.dev.RedisServer;

/** nginx with the frontend's own configuration, but for folders and ports, in front of given backends. */
final class Nginx implements Endpoint, AutoCloseable {

    private static final Path CONFIGURATION = Path.of("..", "base", "frontend", "nginx.conf");
    private static final Pattern SERVICE = Pattern.compile("app:1323");

    private final int port;
    private final Process process;

    private Nginx(int port, Process process) {
        this.port = port;
        this.process = process;
    }

    /** Skips a test where it is not installed. */
    static void assumeInstalled() {
        assumeTrue(
                Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "nginx"))),
                "needs nginx (https://nginx.org) on the PATH");
    }

    /**
     * Starts it, and waits until it takes connections.
     *
     * @param folder for what it writes
     * @param backends stand in turn for the Service, whose connections lead to one pod or another
     */
    static Nginx start(Path folder, PackagedServer... backends) throws IOException {
        int port = RedisServer.freePort();
        int[] next = {0};
        String configuration = SERVICE.matcher(Files.readString(CONFIGURATION))
                .replaceAll(service -> "127.0.0.1:" + backends[next[0]++ % backends.length].port())
                .replace("listen 8080", "listen 127.0.0.1:" + port)
                .replace("listen 8081", "listen 127.0.0.1:" + RedisServer.freePort())
                .replace("/tmp/", folder + "/");
        Path file = Files.writeString(folder.resolve("nginx.conf"), configuration);
        Path log = folder.resolve("nginx.log");
        Nginx nginx = new Nginx(port, run(file, log));
        while (!nginx.takesConnections()) {
            if (!nginx.process.isAlive()) {
                throw new AssertionError("nginx did not start:\n" + Files.readString(log));
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
