package usercounter.testkit;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import usercounter.dev.RedisServer;

/**
 * A Redis Cluster, and a packaged server that uses it, for all tests of a class. Each test leaves the cluster with all
 * slots served. REDIS_URL names two nodes. The first of them has left the cluster: it knows no other node and has no slots.
 */
public final class ServerOnRedisCluster implements Endpoint, BeforeAllCallback {

    private final Set<String> commands;
    private final Class<?>[] resources;
    private Path folder;
    private RedisCluster cluster;
    private RedisServer stranger;
    private RedisUser user;
    private PackagedServer server;

    /**
     * @param commands that the server may run, beside those that it runs on each Redis Cluster
     * @param resources further ones, beside those of the application
     */
    public ServerOnRedisCluster(Set<String> commands, Class<?>... resources) {
        this.commands = Set.copyOf(commands);
        this.resources = resources.clone();
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        context.getStore(Namespace.create(getClass())).put(this, (AutoCloseable) this::stop);
        folder = Files.createTempDirectory("server-on-redis-cluster");
        cluster = RedisCluster.start(folder);
        stranger = RedisCluster.startNode(folder, RedisServer.freePort());
        user = new RedisUser(
                Stream.concat(Stream.of(stranger), cluster.nodes().stream()).toList(),
                commands,
                "`REDIS_URL` is a Redis Cluster's",
                "`maxmemory-policy` is to be checked",
                "`REDIS_REPLICAS` is `0` and `REDIS_DURABILITY` is `checked`");
        Map<String, String> environment = Map.of(
                "REDIS_URL",
                RedisCluster.url(stranger, cluster.primaries().get(1)),
                "REDIS_TIMEOUT",
                "10s"); // long enough for the move of a slot on a busy machine
        server = PackagedServer.start(folder, environment, resources);
        Waiting.until("readiness", () -> get("/health/ready").statusCode() == 200);
    }

    private void stop() throws Exception {
        for (AutoCloseable part : new AutoCloseable[] {server, stranger, cluster}) {
            if (part != null) {
                part.close();
            }
        }
        ServerOnRedis.delete(folder);
    }

    public RedisCluster cluster() {
        return cluster;
    }

    /** The server's user in Redis. */
    public RedisUser user() {
        return user;
    }

    /**
     * See {@link RedisUser#assertNeedsExactlyItsCommands}.
     *
     * @param requests sends requests that need every command, one of them for the given id, whose slot moves
     */
    public void assertUserNeedsExactlyItsCommands(Function<String, Stream<HttpResponse<String>>> requests)
            throws InterruptedException {
        String moving = UUID.randomUUID().toString();
        RedisCluster.Move move = cluster.new Move(RedisCluster.slotOf(moving));
        user.assertNeedsExactlyItsCommands(() -> requests.apply(moving).allMatch(answer -> answer.statusCode() == 200));
        move.finish();
    }

    @Override
    public int port() {
        return server.port();
    }
}
