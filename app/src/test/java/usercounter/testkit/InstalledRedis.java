package usercounter.testkit;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleDescriptor.Version;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;
import usercounter.dev.RedisServer;

/**
 * The valkey-server or redis-server on the PATH, for tests of features that the embedded Redis 6.2 does not have, such
 * as {@code WAITAOF}. The cluster runs Redis 8.
 *
 * @see <a href="https://redis.io/docs/latest/commands/waitaof/">WAITAOF, since 7.2</a>
 */
public final class InstalledRedis {

    private static final Version LEAST = Version.parse("7.2");
    private static final Pattern VERSION = Pattern.compile(" v=([\\d.]+)");
    private static final Optional<Path> EXECUTABLE = Stream.of("valkey-server", "redis-server")
            .flatMap(name ->
                    Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(folder -> Path.of(folder, name)))
            .filter(Files::isExecutable)
            .filter(InstalledRedis::isNewEnough)
            .findFirst();

    private InstalledRedis() {}

    /** If no such program is installed, the test is skipped, but fails with CI=true. */
    public static Path executable() {
        return EXECUTABLE.orElseGet(InstalledRedis::missing);
    }

    /** See {@link RedisServer#start} and {@link #executable}. */
    public static RedisServer start(Path folder, int port, String... options) throws IOException {
        return RedisServer.start(executable(), folder, port, options);
    }

    /** Starts a replica, and waits until it is in sync. */
    public static RedisServer startReplica(Path folder, RedisServer primary, String... options) throws IOException {
        String[] all = Stream.concat(
                        Stream.of("--replicaof", "127.0.0.1", Integer.toString(primary.port())), Stream.of(options))
                .toArray(String[]::new);
        RedisServer replica = start(folder, RedisServer.freePort(), all);
        try (Jedis jedis = RedisCluster.client(replica)) {
            Waiting.until("synchronisation", () -> jedis.info("replication").contains("master_link_status:up"));
        }
        return replica;
    }

    /** Starts the embedded Redis if no such program is installed. */
    public static RedisServer startOrEmbedded(Path folder, int port, String... options) throws IOException {
        return EXECUTABLE.isPresent() ? start(folder, port, options) : RedisServer.start(folder, port, options);
    }

    private static Path missing() {
        String message =
                "No valkey-server or redis-server %s or newer on the PATH that starts: install one".formatted(LEAST);
        return "true".equals(System.getenv("CI")) ? fail(message) : abort(message);
    }

    private static boolean isNewEnough(Path executable) {
        try {
            Process process = new ProcessBuilder(executable.toString(), "--version").start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher version = VERSION.matcher(output);
            return version.find() && Version.parse(version.group(1)).compareTo(LEAST) >= 0;
        } catch (IOException e) { // a program for another kind of machine
            return false;
        }
    }
}
