package usercounter;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.DefaultRedisCredentials;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.exceptions.JedisClusterOperationException;
import redis.clients.jedis.exceptions.JedisMovedDataException;

/** The service's way to Redis: which one it is, and a {@link CommandPipeline} to each of its nodes. */
@ApplicationScoped
public class RedisConnection {

    /** An idle connection that Redis closed is found and replaced within this time, before a request meets it. */
    private static final Duration IDLE_CHECK = Duration.ofMillis(500);

    /** How many threads write answers, see {@link CommandPipeline}. */
    private static final int MOST_WRITERS = 32;

    @Inject
    Settings settings;

    @Inject
    Instance<DefaultRedis> defaultRedis;

    /**
     * Of its own, since Liberty's executor takes nothing any more once the application begins to stop, when there are
     * still answers to write. When all writers are busy, the pipeline writes, and gathers for longer meanwhile.
     */
    private final ExecutorService writers = new ThreadPoolExecutor(
            0,
            MOST_WRITERS,
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> new Thread(task, "redis-answers"),
            new ThreadPoolExecutor.CallerRunsPolicy());

    private final Map<HostAndPort, CommandPipeline> pipelines = new ConcurrentHashMap<>();

    private RedisAddress address;
    private RedisNodes nodes;

    @PostConstruct
    void open() {
        address = settings.redis().orElseGet(this::startDefault);
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setTimeBetweenEvictionRuns(IDLE_CHECK);
        pool.setJmxEnabled(false);
        nodes = RedisNodes.open(address, clientConfig(address, settings), pool);
    }

    private RedisAddress startDefault() {
        if (defaultRedis.isUnsatisfied()) {
            throw new InvalidSettingException("REDIS_URL", "", RedisAddress.ALLOWED);
        }
        return defaultRedis.get().start();
    }

    private static JedisClientConfig clientConfig(RedisAddress address, Settings settings) {
        int timeout = Math.toIntExact(settings.redisTimeout().toMillis());
        DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder()
                .database(address.database())
                // What a new connection asks first may cost the time-out once more, so it asks for what it has to only.
                .serverDefaultProtocol()
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
                // A host that does not even take the connection is tried again soon, to notice its return.
                .connectionTimeoutMillis(timeout / 4)
                .socketTimeoutMillis(timeout);
        if (address.tls()) {
            config.sslOptions(settings.redisCaFile()
                    .map(file -> SslOptions.builder()
                            .trustStoreType(TrustedCertificates.STORE_TYPE)
                            .truststore(() -> TrustedCertificates.store(file), TrustedCertificates.STORE_PASSWORD)
                            .build())
                    .orElseGet(SslOptions::defaults));
        }
        if (address.password().isPresent() || settings.redisPasswordFile().isPresent()) {
            config.credentialsProvider(() -> credentials(address, settings));
        }
        return config.build();
    }

    private static DefaultRedisCredentials credentials(RedisAddress address, Settings settings) {
        Optional<String> password =
                settings.redisPasswordFile().map(Settings::password).or(address::password);
        return new DefaultRedisCredentials(address.user().orElse(null), password.orElseThrow());
    }

    /** Where Redis is. */
    public RedisAddress address() {
        return address;
    }

    /**
     * Sends a command that reads a key; see {@link CommandPipeline#read}. It fails with a
     * {@link JedisClusterOperationException} as long as no node is known that has the key.
     */
    public <T> CompletionStage<T> read(String key, Function<? super Pipeline, Response<T>> command) {
        return send(key, pipeline -> pipeline.read(command));
    }

    /** Sends a command that writes a key; see {@link CommandPipeline#write}. It fails as {@link #read} does. */
    public <T> CompletionStage<T> write(String key, Function<? super Pipeline, Response<T>> command) {
        return send(key, pipeline -> pipeline.write(command));
    }

    /** Asks every node for a sign of life; fails if none gives one. */
    public CompletionStage<Boolean> ping() {
        CompletableFuture<Boolean> first = new CompletableFuture<>();
        CompletableFuture<?>[] all = nodes.all().stream()
                .map(node -> pipeline(node).read(Pipeline::dbSize).thenAccept(size -> first.complete(true)))
                .toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(all)
                .whenComplete((none, failure) -> first.completeExceptionally(
                        failure == null ? new JedisClusterOperationException("No node is known") : failure));
        return first;
    }

    private <T> CompletionStage<T> send(String key, Function<CommandPipeline, CompletableFuture<T>> command) {
        return nodes.nodeOf(key)
                .map(node -> command.apply(pipeline(node)).exceptionallyCompose(failure -> follow(failure, command)))
                .orElseGet(() -> CompletableFuture.failedFuture(
                        new JedisClusterOperationException("No node is known for this key")));
    }

    /** A node that does not have the key any more has not run the command: the one that it names is to. */
    private <T> CompletionStage<T> follow(Throwable failure, Function<CommandPipeline, CompletableFuture<T>> command) {
        return failure instanceof JedisMovedDataException moved
                ? command.apply(pipeline(moved.getTargetNode()))
                : CompletableFuture.failedFuture(failure);
    }

    private CommandPipeline pipeline(HostAndPort node) {
        CommandPipeline pipeline = pipelines.get(node);
        if (pipeline == null) {
            closeForsaken();
            pipeline = pipelines.computeIfAbsent(node, this::openPipeline);
        }
        return pipeline;
    }

    /** A node of a cluster that comes back elsewhere leaves a pipeline behind that nothing is sent to any more. */
    private void closeForsaken() {
        Collection<HostAndPort> current = nodes.all();
        pipelines.forEach((node, pipeline) -> {
            if (!current.contains(node) && pipelines.remove(node, pipeline)) {
                writers.execute(pipeline::close);
            }
        });
    }

    private CommandPipeline openPipeline(HostAndPort node) {
        return new CommandPipeline(
                () -> nodes.connect(node), settings.redisReplicas(), settings.redisTimeout(), writers);
    }

    /** Answers every request before it lets go of Redis. */
    @PreDestroy
    void close() {
        pipelines.values().forEach(CommandPipeline::close);
        writers.shutdown();
        try {
            writers.awaitTermination(settings.redisTimeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        nodes.close();
    }
}
