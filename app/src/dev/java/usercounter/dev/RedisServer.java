package usercounter.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import redis.embedded.core.ExecutableProvider;

/**
 * A real redis-server as a child process, by default the one in embedded-redis. It listens on the loopback address, and
 * syncs its append-only file on every write.
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
     * Starts the embedded redis-server, and waits until it has loaded its data.
     *
     * @param folder for its data, its log and its program; created if missing
     * @param port a free port, see {@link #freePort}
     * @param options further redis-server options, such as {@code --requirepass}
     * @throws IOException if redis-server does not run on this platform or with this folder; the message is one line
     */
    public static RedisServer start(Path folder, int port, String... options) throws IOException {
        Files.createDirectories(folder);
        return start(embedded(folder), folder, port, options);
    }

    /**
     * Starts a given redis-server, and waits until it has loaded its data.
     *
     * @param executable a redis-server or valkey-server
     */
    public static RedisServer start(Path executable, Path folder, int port, String... options) throws IOException {
        Files.createDirectories(folder);
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
        if (!server.serves()) {
            server.kill();
            throw new IOException("redis-server did not start on port " + port + "; see " + log);
        }
        return server;
    }

    /**
     * A TCP port of the loopback address that is free at the moment. Neither this port nor the one 10,000 above, for the bus
     * of Redis Cluster, is one that the system gives to outgoing connections, which could take it before it is used.
     */
    public static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(10_000, 22_000);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (BindException e) {
                // It is in use.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static Path embedded(Path folder) throws IOException {
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
        // Moved into place atomically: another start must never run an incomplete program.
        Path executable = folder.resolve(unpacked.getFileName());
        Files.move(unpacked, executable, StandardCopyOption.REPLACE_EXISTING);
        Files.delete(temporary);
        return executable;
    }

    /** Two servers with the same append-only file would destroy the file. */
    private static void refuseSecond(Path pidFile, Path executable) throws IOException {
        if (!Files.exists(pidFile)) {
            return;
        }
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        String command = ProcessHandle.of(pid)
                .flatMap(process -> process.info().command())
                .orElse("");
        if (command.startsWith(executable.toString())) {
            throw new IOException("the redis-server with process id %d still uses %s; stop that process first"
                    .formatted(pid, pidFile.getParent()));
        }
    }

    private boolean serves() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (process.isAlive() && System.nanoTime() < deadline) {
            if (replies()) {
                return true;
            }
            pause();
        }
        return false;
    }

    /** Whether Redis replies. While it loads its data, it accepts connections, but replies LOADING to most commands. */
    private boolean replies() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(1_000);
            socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
            Scanner reply = new Scanner(socket.getInputStream(), StandardCharsets.US_ASCII);
            return reply.hasNextLine() && !reply.nextLine().startsWith("-LOADING");
        } catch (IOException e) {
            return false;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public int port() {
        return port;
    }

    /**
     * Sends a signal: {@code STOP} suspends the server, {@code CONT} resumes it.
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

    /** Stops the server with SIGKILL, like a crash. */
    public void kill() {
        process.destroyForcibly();
        exitsWithin(PATIENCE.toSeconds());
    }

    /** Stops the server with SIGTERM, after which all data is on disk. */
    @Override
    public void close() {
        for (int second = 0; second < PATIENCE.toSeconds(); second++) {
            process.destroy(); // each second, since Redis refuses it while it writes its first append-only file
            if (exitsWithin(1)) {
                return;
            }
        }
        kill();
    }

    private boolean exitsWithin(long seconds) {
        try {
            return process.waitFor(seconds, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
