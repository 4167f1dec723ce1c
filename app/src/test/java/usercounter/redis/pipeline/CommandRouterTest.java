package usercounter.redis.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Connection;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.util.Pool;
import usercounter.dev.RedisServer;
import usercounter.testkit.RedisCluster;
import usercounter.testkit.TcpProxy;
import usercounter.testkit.Waiting;

/** The invariants of {@link CommandRouter}, with real Redis servers behind one address. */
@Timeout(120)
class CommandRouterTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(1);
    private static final Duration NEVER_OLD = Duration.ofHours(1);

    @TempDir
    Path folder;

    private RedisServer first;
    private RedisServer second;
    private TcpProxy proxy;
    private CommandRouter router;

    @BeforeEach
    void open() throws IOException {
        first = RedisServer.start(folder.resolve("first"), RedisServer.freePort());
        second = RedisServer.start(folder.resolve("second"), RedisServer.freePort());
        proxy = new TcpProxy(first.port());
        router = router(NEVER_OLD);
    }

    private CommandRouter router(Duration maxAge) {
        int timeout = (int) TIMEOUT.toMillis();
        return new CommandRouter(
                RedisNodes.single(
                        new HostAndPort("127.0.0.1", proxy.port()),
                        DefaultJedisClientConfig.builder()
                                .timeoutMillis(timeout)
                                .build(),
                        new ConnectionPoolConfig()),
                connection -> {},
                commands -> {},
                0,
                TIMEOUT,
                maxAge);
    }

    @AfterEach
    void close() {
        first.signal("CONT");
        router.close();
        proxy.close();
        first.close();
        second.close();
    }

    private CompletableFuture<Long> increment(String key) {
        return router.write(key, commands -> commands.incr(key), CommandListener.NONE);
    }

    private CompletableFuture<String> get(String key) {
        return router.read(key, commands -> commands.get(key), CommandListener.NONE);
    }

    @Test
    void everyFutureCompletesWhenRedisHangs() {
        first.signal("STOP");
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            answers.add(increment("n"));
        }

        for (CompletableFuture<Long> answer : answers) {
            assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        }
        assertThatThrownBy(() -> router.probe("probe").get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class);
    }

    @Test
    void closingCompletesWaitingCommands() throws Exception {
        CompletableFuture<Void> sending = new CompletableFuture<>();
        CompletableFuture<Void> gathered = new CompletableFuture<>();
        CompletableFuture.runAsync(() -> router.read(
                "n",
                commands -> {
                    sending.complete(null);
                    gathered.join();
                    return commands.get("n");
                },
                CommandListener.NONE));
        sending.join();
        List<CompletableFuture<Long>> answers = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            answers.add(increment("n"));
        }
        gathered.complete(null);

        router.close();

        for (CompletableFuture<Long> answer : answers) {
            assertThat(answer.get(20, TimeUnit.SECONDS)).isPositive();
        }
    }

    @Test
    void timeoutsReachTheirCallersWhileOtherCallbacksBlock() throws Exception {
        ExecutorService clients = Executors.newCachedThreadPool();
        CompletableFuture<Void> released = new CompletableFuture<>();
        CountDownLatch blocked = new CountDownLatch(40);
        first.signal("STOP");
        for (int i = 0; i < 40; i++) {
            clients.execute(() -> increment("n").exceptionally(failure -> {
                blocked.countDown();
                released.join();
                return null;
            }));
        }
        blocked.await();

        assertThatThrownBy(() -> increment("n").get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
        released.complete(null);
        clients.shutdown();
    }

    @Test
    void aFailOverBehindTheAddressCostsOneCommand() throws Exception {
        increment("n").get();
        failOver();
        long start = System.nanoTime();

        assertThatThrownBy(() -> increment("n").get()).hasMessageContaining("READONLY");
        assertThat(increment("n").get()).isEqualTo(2);

        System.out.printf(
                "MEASURED fail-over behind an address: counted again after %d ms%n",
                Duration.ofNanos(System.nanoTime() - start).toMillis());
    }

    @Test
    void theProbeFindsTheFailOverThatReadsDoNotNotice() throws Exception {
        increment("n").get();
        failOver();
        try (Jedis redis = RedisCluster.client(second)) {
            redis.set("n", "7");
        }

        assertThatThrownBy(() -> router.probe("probe").get()).hasMessageContaining("READONLY");

        assertThat(get("n").get()).isEqualTo("7");
        router.probe("probe").get();
    }

    /** The second Redis replaces the first one, whose connections stay open. */
    private void failOver() {
        try (Jedis redis = RedisCluster.client(second);
                Jedis old = RedisCluster.client(first)) {
            redis.replicaof("127.0.0.1", first.port());
            Waiting.until("synchronisation", () -> redis.info("replication").contains("master_link_status:up"));
            redis.replicaofNoOne();
            old.replicaof("127.0.0.1", second.port());
        }
        proxy.leadTo(second.port());
    }

    @Test
    void anotherRedisIsFoundWhenTheConnectionIsOld() throws Exception {
        router.close();
        router = router(Duration.ofMillis(100));
        increment("n").get();
        proxy.leadTo(second.port());

        Waiting.until("the other Redis", () -> get("n").join() == null);
    }

    @Test
    void aFullRedisIsReadyForReads() throws Exception {
        increment("n").get();
        try (Jedis redis = RedisCluster.client(first)) {
            redis.configSet("maxmemory", "1");
        }

        assertThatThrownBy(() -> increment("n").get()).hasMessageContaining("OOM");
        router.probe("probe").get();
    }

    @Test
    void theProbeChangesNothing() throws Exception {
        router.probe("probe").get();

        try (Jedis redis = RedisCluster.client(first)) {
            assertThat(redis.dbSize()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void redirectionsOfAnOutdatedSlotMapAreFollowedInBatches(boolean withHosts) throws Exception {
        AtomicInteger batches = new AtomicInteger();
        try (RedisCluster cluster = RedisCluster.start(folder.resolve("cluster"))) {
            if (!withHosts) {
                cluster.hideHosts();
            }
            RedisNodes nodes = open(cluster);
            try (CommandRouter lost = new CommandRouter(
                    new WrongNodes(nodes, batches),
                    connection -> {},
                    commands -> {},
                    0,
                    TIMEOUT.multipliedBy(20),
                    NEVER_OLD)) {
                List<CompletableFuture<Long>> answers = new ArrayList<>();
                for (int i = 0; i < 500; i++) {
                    String key = "user:{" + i + "}";
                    answers.add(lost.write(key, commands -> commands.incr(key), CommandListener.NONE));
                }
                assertThat(answers.stream().map(CompletableFuture::join)).containsOnly(1L);
            }
        }
        // Without batches there would be a thousand.
        assertThat(batches).hasValueLessThan(700);
    }

    @Test
    void aSlotThatStaysHalfMovedFailsWithTheReplyOfRedis() throws Exception {
        try (RedisCluster cluster = RedisCluster.start(folder.resolve("cluster"));
                CommandRouter slow =
                        new CommandRouter(open(cluster), connection -> {}, commands -> {}, 0, TIMEOUT, NEVER_OLD)) {
            slow.write("user:{u}", commands -> commands.incr("user:{u}"), CommandListener.NONE)
                    .get();
            RedisCluster.Move move = cluster.new Move(RedisCluster.slotOf("u"));

            assertThatThrownBy(() -> slow.write(
                                    "user:{u}",
                                    commands -> commands.eval("return 1", 2, "user:{u}", "user:{u}:key:k"),
                                    CommandListener.NONE)
                            .get())
                    .cause()
                    .isInstanceOf(JedisDataException.class)
                    .hasMessageStartingWith("TRYAGAIN");
            move.finish();
        }
    }

    private static RedisNodes open(RedisCluster cluster) {
        RedisNodes nodes = RedisNodes.cluster(
                List.of(new HostAndPort("127.0.0.1", cluster.primaries().get(0).port())),
                DefaultJedisClientConfig.builder().build(),
                new ConnectionPoolConfig());
        Waiting.until("three nodes", () -> {
            nodes.refresh();
            return nodes.all().size() == 3;
        });
        return nodes;
    }

    /** The nodes of a cluster, with an outdated map: it assigns each key to the node after the right one. */
    private record WrongNodes(RedisNodes nodes, AtomicInteger batches) implements RedisNodes {

        @Override
        public Optional<HostAndPort> nodeOf(String key) {
            List<HostAndPort> all = all().stream()
                    .sorted(Comparator.comparing(HostAndPort::getPort))
                    .toList();
            return nodes.nodeOf(key).map(right -> all.get((all.indexOf(right) + 1) % all.size()));
        }

        @Override
        public Collection<HostAndPort> all() {
            return nodes.all();
        }

        @Override
        public Connection connect(HostAndPort node) {
            batches.incrementAndGet();
            return nodes.connect(node);
        }

        @Override
        public Collection<? extends Pool<Connection>> pools() {
            return nodes.pools();
        }

        @Override
        public void refresh() {
            // the map stays outdated
        }

        @Override
        public void close() {
            nodes.close();
        }
    }
}
