package usercounter;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.DefaultRedisCredentials;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.UnifiedJedis;

/** The one connection of the service to Redis: which one it is, its client, and the pipeline that all commands take. */
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

    private RedisAddress address;
    private UnifiedJedis client;
    private CommandPipeline pipeline;

    @PostConstruct
    void open() {
        address = settings.redis().orElseGet(this::startDefault);
        client = client(address, settings);
        pipeline = new CommandPipeline(client, settings.redisTimeout(), writers);
    }

    private RedisAddress startDefault() {
        if (defaultRedis.isUnsatisfied()) {
            throw new InvalidSettingException("REDIS_URL", "", RedisAddress.ALLOWED);
        }
        return defaultRedis.get().start();
    }

    private static UnifiedJedis client(RedisAddress address, Settings settings) {
        int timeout = Math.toIntExact(settings.redisTimeout().toMillis());
        DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder()
                .sslOptions(address.tls() ? SslOptions.defaults() : null)
                .database(address.database())
                // A host that does not even take the connection is tried again soon, to notice its return.
                .connectionTimeoutMillis(timeout / 4)
                .socketTimeoutMillis(timeout);
        if (address.password().isPresent() || settings.redisPasswordFile().isPresent()) {
            config.credentialsProvider(() -> credentials(address, settings));
        }
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setTimeBetweenEvictionRuns(IDLE_CHECK);
        pool.setJmxEnabled(false);
        return RedisClient.builder()
                .hostAndPort(new HostAndPort(address.host(), address.port()))
                .clientConfig(config.build())
                .poolConfig(pool)
                .build();
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

    /** The way for every command. */
    CommandPipeline pipeline() {
        return pipeline;
    }

    /** Answers every request before it lets go of Redis. */
    @PreDestroy
    void close() {
        pipeline.close();
        writers.shutdown();
        try {
            writers.awaitTermination(settings.redisTimeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        client.close();
    }
}
