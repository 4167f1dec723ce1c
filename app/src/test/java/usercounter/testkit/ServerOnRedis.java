package usercounter.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientPauseMode;
import usercounter.dev.RedisServer;

/**
 * A Redis with a password, and a packaged server that uses it: for all tests of a class if the field is static, otherwise
 * for each test.
 */
public final class ServerOnRedis implements Endpoint, BeforeAllCallback, BeforeEachCallback, AfterEachCallback {

    /** With a space, which some programs read in different ways. */
    public static final String PASSWORD = "se cret";

    private static final Namespace NAMESPACE = Namespace.create(ServerOnRedis.class);

    private final Class<?>[] resources;
    private final Map<String, String> environment = new HashMap<>();
    private boolean installed;
    private Path folder;
    private RedisServer redis;
    private PackagedServer server;

    /** @param resources further ones, beside those of the application */
    public ServerOnRedis(Class<?>... resources) {
        this.resources = resources.clone();
    }

    /** Adds environment variables. */
    public ServerOnRedis with(Map<String, String> variables) {
        environment.putAll(variables);
        return this;
    }

    /** Adds the environment variables that a file sets, as {@code NAME=value}, and whose names match. */
    public ServerOnRedis withVariablesIn(String file, String names) {
        Pattern.compile("\\b(%s)=(\\S+)".formatted(names))
                .matcher(PackagedServer.read(Path.of(file)))
                .results()
                .forEach(variable -> environment.put(variable.group(1), variable.group(2)));
        return this;
    }

    /** Uses {@link InstalledRedis} instead of the embedded one. */
    public ServerOnRedis onInstalledRedis() {
        installed = true;
        return this;
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        beforeEach(context);
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        Store store = context.getStore(NAMESPACE); // and those of its parents: the class's, for a test
        if (store.get(this) == null) {
            store.put(this, (AutoCloseable) this::stop);
            start();
        }
    }

    @Override
    public void afterEach(ExtensionContext context) {
        redis.signal("CONT");
    }

    private void start() throws IOException {
        folder = Files.createTempDirectory("server-on-redis");
        startRedis("redis", RedisServer.freePort());
        Path password = Files.writeString(folder.resolve("password"), PASSWORD + "\n");
        environment.put("REDIS_URL", "127.0.0.1:" + redis.port());
        environment.put("REDIS_PASSWORD_FILE", password.toString());
        server = startAnother(Map.of());
    }

    private void startRedis(String data, int port, String... options) throws IOException {
        String[] all = Stream.concat(Stream.of("--requirepass", PASSWORD), Stream.of(options))
                .toArray(String[]::new);
        redis = installed
                ? InstalledRedis.start(folder.resolve(data), port, all)
                : RedisServer.start(folder.resolve(data), port, all);
    }

    private void stop() throws IOException {
        if (server != null) {
            server.close();
        }
        if (redis != null) {
            redis.close();
        }
        delete(folder);
    }

    static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        }
    }

    /** Starts another server on the same Redis, with further variables. The caller closes it. */
    public PackagedServer startAnother(Map<String, String> variables) throws IOException {
        Map<String, String> all = new HashMap<>(environment);
        all.putAll(variables);
        return PackagedServer.start(Files.createTempDirectory(folder, "server"), all, resources);
    }

    /** Stops Redis if it runs, and starts it again. */
    public void restartRedis(String... options) {
        restartRedisWith("redis", options);
    }

    /** The same with the data of another folder. */
    public void restartRedisWith(String data, String... options) {
        redis.close();
        try {
            startRedis(data, redis.port(), options);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public RedisServer redis() {
        return redis;
    }

    /**
     * For a minute, or until {@link #resumeWrites}, Redis runs no write. Unlike a stopped process, Redis replies to PING.
     * Without a reply, the pool would still check its idle connection when a request needs one, and open another one.
     */
    public void pauseWrites() {
        try (Jedis client = jedis()) {
            client.clientPause(60_000, ClientPauseMode.WRITE);
        }
    }

    public void resumeWrites() {
        try (Jedis client = jedis()) {
            client.clientUnpause();
        }
    }

    /** A client of Redis. */
    public Jedis jedis() {
        return new Jedis("redis://:" + PASSWORD.replace(" ", "%20") + "@127.0.0.1:" + redis.port());
    }

    public PackagedServer packaged() {
        return server;
    }

    @Override
    public int port() {
        return server.port();
    }

    /** The server's log up to now. */
    public String log() {
        return server.log();
    }

    /** The lines of the server's log that contain a text. */
    public Stream<String> log(String text) {
        return server.log(text);
    }
}
