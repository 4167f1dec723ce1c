package usercounter.redis;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
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
import redis.clients.jedis.exceptions.JedisException;
import usercounter.settings.InvalidSettingException;
import usercounter.settings.RedisAddress;
import usercounter.settings.Settings;
import usercounter.settings.Settings.Durability;
import usercounter.settings.TrustedCertificates;

/** The connection to Redis according to the settings. It opens when the service starts and closes when it stops. */
@ApplicationScoped
public class RedisConnection {

    /** An idle connection that Redis has closed is replaced within this time, before a request uses it. */
    private static final Duration IDLE_CHECK = Duration.ofMillis(500);

    /** Maximum age of a connection: within this time the service notices, even without an error, a new address. */
    private static final Duration MAX_AGE = Duration.ofSeconds(30);

    @Inject
    Settings settings;

    @Inject
    Instance<DefaultRedis> defaultRedis;

    private RedisAddress address;
    private RedisNodes nodes;
    private CommandRouter commands;

    @PostConstruct
    void open() {
        address = settings.redis().orElseGet(this::startDefault);
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setTimeBetweenEvictionRuns(IDLE_CHECK);
        pool.setJmxEnabled(false);
        nodes = RedisNodes.open(address, clientConfig(address, settings), pool);
        // With replicas, each write waits for the disks.
        boolean checksDisk = settings.redisDurability() == Durability.CHECKED && settings.redisReplicas() == 0;
        commands = new CommandRouter(
                nodes,
                new ConnectionCheck(checksDisk, !address.cluster()),
                settings.redisReplicas(),
                settings.redisTimeout(),
                MAX_AGE);
        RedisMetrics.register(nodes, commands);
    }

    private RedisAddress startDefault() {
        if (defaultRedis.isUnsatisfied()) {
            throw new InvalidSettingException("REDIS_URL", "", RedisAddress.ALLOWED);
        }
        return defaultRedis.get().start();
    }

    static JedisClientConfig clientConfig(RedisAddress address, Settings settings) {
        int timeout = Math.toIntExact(settings.redisTimeout().toMillis());
        DefaultJedisClientConfig.Builder config = DefaultJedisClientConfig.builder()
                .database(address.database())
                // Each additional command on a new connection may take another time-out, so there are none.
                .serverDefaultProtocol()
                .clientSetInfoConfig(ClientSetInfoConfig.DISABLED)
                // Short, so that the service notices soon when a host accepts connections again.
                .connectionTimeoutMillis(timeout / 4)
                .socketTimeoutMillis(timeout);
        if (address.tls()) {
            config.sslOptions(settings.redisCaFile()
                    .map(file -> SslOptions.builder()
                            .trustStoreType(TrustedCertificates.STORE_TYPE)
                            .truststore(() -> TrustedCertificates.store(file), TrustedCertificates.storePassword())
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

    public RedisAddress address() {
        return address;
    }

    /** The node that has a key, for the log; the address of Redis if there is no cluster or the node is unknown. */
    public String nodeOf(String key) {
        return Optional.of(key)
                .filter(any -> address.cluster())
                .flatMap(nodes::nodeOf)
                .map(HostAndPort::toString)
                .orElseGet(address::toString);
    }

    /**
     * Sends a read-only command to the node that has the key.
     *
     * @return the reply within {@link Settings#redisTimeout}; or fails with a {@link TimeoutException}, a
     *     {@link RejectedExecutionException} if too many commands wait, the {@link JedisException} of the command or its
     *     connection, or a {@link JedisClusterOperationException} if no node is known to have the key
     */
    public <T> CompletionStage<T> read(
            String key, Function<? super Pipeline, Response<T>> command, CommandTrace trace) {
        return commands.read(key, command, trace);
    }

    /** Sends a command whose effect must be durable. The result is like that of {@link #read}. */
    public <T> CompletionStage<T> write(
            String key, Function<? super Pipeline, Response<T>> command, CommandTrace trace) {
        return commands.write(key, command, trace);
    }

    /**
     * Sends a write that changes nothing to every primary. A read would also succeed on a replica.
     *
     * @return succeeds if one primary accepts the write, or refuses it for a reason that does not affect reads, such
     *     as full memory; fails like {@link #read}
     */
    public CompletionStage<Void> probe() {
        return commands.probe();
    }

    /** Whether this process can still send commands. */
    public boolean isAlive() {
        return commands.isAlive();
    }

    /** Completes every command before it closes the connections. */
    @PreDestroy
    void close() {
        commands.close();
    }
}
