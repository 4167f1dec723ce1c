package usercounter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import usercounter.dev.RedisServer;

/** The server as Maven packaged it, unpacked and run as its own process on a free port. */
final class PackagedServer implements Endpoint, AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final int port;
    private final Path log;
    private final Process process;

    private PackagedServer(int port, Path log, Process process) {
        this.port = port;
        this.log = log;
        this.process = process;
    }

    /** Starts it on a free port, and waits until it answers. */
    static PackagedServer start(Path folder, Map<String, String> environment) {
        PackagedServer server = launch(folder, environment);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!server.answers()) {
            if (!server.process.isAlive() || System.nanoTime() > deadline) {
                server.close();
                throw new AssertionError("The server did not start:\n" + server.log());
            }
        }
        return server;
    }

    /**
     * Starts it without waiting for anything.
     *
     * @param folder for what it writes; one for each server that runs at the same time
     * @param environment variables in addition to this process's; PORT is a free one unless given
     */
    static PackagedServer launch(Path folder, Map<String, String> environment) {
        try {
            int port = RedisServer.freePort();
            Map<String, String> variables = new HashMap<>(Map.of("PORT", Integer.toString(port)));
            variables.putAll(environment);
            Path log = Files.createTempFile(folder, "server", ".log");
            ProcessBuilder builder = new ProcessBuilder(
                            home().resolve("bin/server").toString(), "run", "user-counter")
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment().remove("REDIS_URL");
            // No test is so long that the second compiler pays, and without it a start takes half the processor's time.
            builder.environment().put("JVM_ARGS", "-XX:TieredStopAtLevel=1");
            builder.environment().putAll(variables);
            builder.environment().put("WLP_OUTPUT_DIR", folder.toString());
            builder.environment().put("LOG_DIR", folder.resolve("logs").toString());
            return new PackagedServer(port, log, builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where it is unpacked, the folder wlp. */
    static Path home() {
        return Unpacked.HOME;
    }

    private boolean answers() {
        try {
            TimeUnit.MILLISECONDS.sleep(100);
            return get("/healthz").statusCode() == 200;
        } catch (UncheckedIOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public int port() {
        return port;
    }

    ProcessHandle process() {
        return process.toHandle();
    }

    /** What it has written so far. */
    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for its end, and returns its exit code. */
    int awaitExit() {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("The server is still there:\n" + log());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Sends SIGTERM, as Kubernetes does. */
    void terminate() {
        process.destroy();
    }

    /** Sends SIGKILL, as a crash would end it. */
    void kill() {
        process.destroyForcibly();
        awaitExit();
    }

    @Override
    public void close() {
        terminate();
        awaitExit();
    }

    /** target/user-counter.tar.gz, unpacked once for all tests. */
    private static final class Unpacked {
        static final Path HOME = unpack(Path.of(System.getProperty("server.archive")));

        private static Path unpack(Path archive) {
            try {
                Path folder = Files.createTempDirectory(archive.getParent(), "unpacked");
                Process unpacking = new ProcessBuilder("tar", "-xzf", archive.toString())
                        .directory(folder.toFile())
                        .inheritIO()
                        .start();
                if (unpacking.waitFor() != 0) {
                    throw new AssertionError("Cannot unpack " + archive);
                }
                return folder.resolve("wlp");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }
}
