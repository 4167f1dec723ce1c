package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jboss.shrinkwrap.api.ShrinkWrap;
import org.jboss.shrinkwrap.api.exporter.ZipExporter;
import org.jboss.shrinkwrap.api.importer.ZipImporter;
import org.jboss.shrinkwrap.api.spec.WebArchive;
import usercounter.dev.RedisServer;

/** The server that Maven has packaged, unpacked and run as a process on a free port. */
public final class PackagedServer implements Endpoint, AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** The folders wlp/usr with further classes in the application. */
    private static final Map<List<Class<?>>, Path> COPIES = new ConcurrentHashMap<>();

    private final int port;
    private final Path log;
    private final Process process;

    private PackagedServer(int port, Path log, Process process) {
        this.port = port;
        this.log = log;
        this.process = process;
    }

    /** Starts the server on a free port, and waits until it answers. */
    public static PackagedServer start(Path folder, Map<String, String> environment, Class<?>... resources) {
        PackagedServer server = launch(folder, environment, resources);
        try {
            Waiting.until("an answer", PATIENCE, () -> {
                assertThat(server.process.isAlive()).as("the server runs").isTrue();
                return server.answers();
            });
            return server;
        } catch (AssertionError e) { // also of an answer that openapi.yaml does not describe
            server.close();
            throw new AssertionError("The server did not start; its log:\n" + server.log(), e);
        }
    }

    /**
     * Starts the server and does not wait for it.
     *
     * @param folder for its files; servers that run at the same time need different folders
     * @param environment variables in addition to those of this process; the default of PORT is a free port
     * @param resources further classes in the application
     */
    public static PackagedServer launch(Path folder, Map<String, String> environment, Class<?>... resources) {
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
            // Without the second compiler a start takes half the CPU time, and no test is long enough to need it.
            builder.environment().put("JVM_ARGS", "-XX:TieredStopAtLevel=1");
            builder.environment().putAll(variables);
            if (resources.length > 0) {
                Path copy = COPIES.computeIfAbsent(List.of(resources), PackagedServer::copyWith);
                builder.environment().put("WLP_USER_DIR", copy.toString());
            }
            builder.environment().put("WLP_OUTPUT_DIR", folder.toString());
            builder.environment().put("LOG_DIR", folder.resolve("logs").toString());
            return new PackagedServer(port, log, builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The folder wlp of the unpacked server. */
    public static Path home() {
        return Unpacked.HOME;
    }

    /** Copies the folder wlp/usr of the unpacked server, with further classes in the application. */
    private static Path copyWith(List<Class<?>> classes) {
        Path original = home().resolve("usr");
        Path application = Path.of("servers/user-counter/apps/user-counter.war");
        try (Stream<Path> files = Files.walk(original)) {
            Path copy = Files.createTempDirectory(home().getParent(), "usr");
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = copy.resolve(original.relativize(file));
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
            ShrinkWrap.create(ZipImporter.class)
                    .importFrom(original.resolve(application).toFile())
                    .as(WebArchive.class)
                    .addClasses(classes.toArray(Class<?>[]::new))
                    .as(ZipExporter.class)
                    .exportTo(copy.resolve(application).toFile(), true);
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean answers() {
        try {
            return get("/healthz").statusCode() == 200;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    @Override
    public int port() {
        return port;
    }

    /** The log up to now. */
    public String log() {
        return read(log);
    }

    /** The lines of the log that contain a text. */
    public Stream<String> log(String text) {
        return log().lines().filter(line -> line.contains(text));
    }

    /** Liberty's own log up to now. */
    public String messages() {
        return read(log.resolveSibling("logs/messages.log"));
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The most memory that the process has had so far, in MiB (proc_pid_status(5)). Linux only. */
    public long peakMemory() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for the end of the process, and returns its exit code. */
    public int awaitExit() {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError(
                        "The server did not stop within %d s; its log:\n%s".formatted(PATIENCE.toSeconds(), log()));
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Sends SIGTERM, like Kubernetes. */
    public void terminate() {
        process.destroy();
    }

    /** Sends SIGKILL, to simulate a crash. */
    public void kill() {
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
                    throw new AssertionError("tar cannot unpack " + archive + ": run './mvnw -pl app package' again");
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
