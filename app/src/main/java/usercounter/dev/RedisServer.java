package usercounter.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.embedded.core.ExecutableProvider;

/**
 * A real redis-server as a child process, from the binaries that embedded-redis carries: on the loopback address, its
 * append-only file synced on every write.
 *
 * @see <a href="https://github.com/codemonstur/embedded-redis">embedded-redis</a>
 */
public final class RedisServer implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final int port;
    private final Process process;

    private RedisServer(int port, Process process) {
        this.port = port;
        this.process = process;
    }

    /**
     * Starts one and waits until it takes connections.
     *
     * @param folder for its data, its log and its program; made if missing
     * @param port a free port, see {@link #freePort}
     * @param options further redis-server options, such as {@code --requirepass}
     * @throws IOException if it does not run on this platform or on this folder; the message is one line
     */
    public static RedisServer start(Path folder, int port, String... options) throws IOException {
        Files.createDirectories(folder);
        Path executable = executable(folder);
        Path pidFile = folder.resolve("redis.pid");
        refuseSecond(pidFile, executable);
        Path log = folder.resolve("redis.log");
        List<String> command = new ArrayList<>(List.of(executable.toString()));
        command.addAll(List.of("--bind", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of("--dir", folder.toString(), "--pidfile", pidFile.toString()));
        command.addAll(List.of("--appendonly", "yes", "--appendfsync", "always", "--save", ""));
        command.addAll(List.of(options));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        RedisServer server = new RedisServer(port, process);
        if (!server.takesConnections()) {
            server.kill();
            throw new IOException("redis-server did not start; see " + log);
        }
        return server;
    }

    /** A TCP port of the loopback address that nothing listened on just now. */
    public static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path executable(Path folder) throws IOException {
        Path unpacked;
        Path temporary = Files.createTempDirectory(folder, "unpack");
        try {
            unpacked = ExecutableProvider.newJarResourceProvider(temporary.toFile())
                    .get()
                    .toPath();
        } catch (IOException | RuntimeException e) {
            Files.delete(temporary);
            throw new IOException(
                    "no redis-server for %s on %s"
                            .formatted(System.getProperty("os.name"), System.getProperty("os.arch")),
                    e);
        }
        // Moved into place at once: another start must never run half a program.
        Path executable = folder.resolve(unpacked.getFileName());
        Files.move(unpacked, executable, StandardCopyOption.REPLACE_EXISTING);
        Files.delete(temporary);
        return executable;
    }

    /** Two servers on one append-only file would destroy it. */
    private static void refuseSecond(Path pidFile, Path executable) throws IOException {
        if (!Files.exists(pidFile)) {
            return;
        }
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        String command = ProcessHandle.of(pid)
                .flatMap(process -> process.info().command())
                .orElse("");
        if (command.startsWith(executable.toString())) {
            throw new IOException("the redis-server with process id %d still uses %s; end it first"
                    .formatted(pid, pidFile.getParent()));
        }
    }

    private boolean takesConnections() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (process.isAlive() && System.nanoTime() < deadline) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 100);
                return true;
            } catch (IOException e) {
                pause();
            }
        }
        return false;
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Its port on the loopback address. */
    public int port() {
        return port;
    }

    /**
     * Sends it a signal: {@code STOP} makes it hang, {@code CONT} lets it go on.
     *
     * @see <a href="https://pubs.opengroup.org/onlinepubs/9799919799/utilities/kill.html">kill(1)</a>
     */
    public void signal(String signal) {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it with SIGKILL, as a crash would. */
    public void kill() {
        process.destroyForcibly();
        awaitExit();
    }

    /** Ends it with SIGTERM: what it holds is on disk. */
    @Override
    public void close() {
        process.destroy();
        if (!awaitExit()) {
            kill();
        }
    }

    private boolean awaitExit() {
        try {
            return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
