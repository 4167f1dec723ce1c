package usercounter.redis;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.regex.Pattern;
import redis.clients.jedis.ClientSetInfoConfig;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.DefaultRedisCredentials;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.LogFields;
import usercounter.redis.pipeline.CommandRouter;
import usercounter.redis.pipeline.ErrorCode;
import usercounter.redis.pipeline.RedisNodes;
import usercounter.redis.telemetry.CommandTrace;
import usercounter.redis.telemetry.OutageLog;
import usercounter.redis.telemetry.OutageLog.Operation;
import usercounter.redis.telemetry.RedisMetrics;
import usercounter.settings.InvalidSettingException;
import usercounter.settings.RedisAddress;
import usercounter.settings.Settings;
import usercounter.settings.Settings.Durability;
import usercounter.settings.TrustedCertificates;

/** The connection to Redis according to the settings, which measures, traces and logs each command. It opens when the service starts and closes when it stops. */
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

    /** A key that the service may write, and that never exists. */
    private static final String NEVER_SET = "service:probe";

    /** Texts of the code ERR that are about the value at the key. In a script, WRONGTYPE is such a text, not a code. */
    private static final Pattern OF_THE_VALUE =
            Pattern.compile("WRONGTYPE|would overflow|is not an integer|is not a valid float");

    private final OutageLog outages = new OutageLog();
    private RedisAddress address;
    private RedisNodes nodes;
    private CommandRouter commands;

    @PostConstruct
    void open() {
        address = settings.redis().orElseGet(this::startDefault);
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setTimeBetweenEvictionRuns(IDLE_CHECK);
        pool.setJmxEnabled(false);
        JedisClientConfig config = clientConfig(address, settings);
        nodes = address.cluster()
                ? RedisNodes.cluster(address.nodes(), config, pool)
                : RedisNodes.single(address.nodes().get(0), config, pool);
        // With replicas, each write waits for the disks.
        boolean checksDisk = settings.redisDurability() == Durability.CHECKED && settings.redisReplicas() == 0;
        commands = new CommandRouter(
                nodes,
                new ConnectionCheck(checksDisk, !address.cluster())::check,
                RedisMetrics::sent,
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
    private String nodeOf(String key) {
        return Optional.of(key)
                .filter(any -> address.cluster())
                .flatMap(nodes::nodeOf)
                .map(HostAndPort::toString)
                .orElseGet(address::toString);
    }

    /**
     * Sends a read-only command to the node that has the key.
     *
     * @param name the name of the command for metrics and traces, such as GET
     * @return the reply within {@link Settings#redisTimeout}; or fails with the {@link JedisDataException} of a reply that
     *     is about the value at the key, or with a {@link RedisUnavailableException}
     */
    public <T> CompletionStage<T> read(String name, String key, Function<? super Pipeline, Response<T>> command) {
        return observed(name, Operation.READS, key, trace -> commands.read(key, command, trace));
    }

    /** Sends a command whose effect must be durable. The result is like that of {@link #read}. */
    public <T> CompletionStage<T> write(String name, String key, Function<? super Pipeline, Response<T>> command) {
        return observed(name, Operation.WRITES, key, trace -> commands.write(key, command, trace));
    }

    private <T> CompletionStage<T> observed(
            String name, Operation operation, String key, Function<CommandTrace, CompletionStage<T>> call) {
        long start = System.nanoTime();
        LogFields fields = LogFields.current();
        CommandTrace trace = CommandTrace.start(name);
        return call.apply(trace).handle((reply, failure) -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            RedisMetrics.completed(name, cause, start);
            trace.completed(cause);
            if (cause == null) {
                outages.served(() -> nodeOf(key), operation);
                return reply;
            }
            if (cause instanceof JedisDataException aboutTheValue && isOfTheValue(aboutTheValue)) {
                outages.served(() -> nodeOf(key), operation);
                throw aboutTheValue;
            }
            fields.with(() -> outages.failed(nodeOf(key), operation, cause));
            throw new RedisUnavailableException();
        });
    }

    private static boolean isOfTheValue(JedisDataException reply) {
        return ErrorCode.of(reply) == ErrorCode.WRONGTYPE
                || OF_THE_VALUE.matcher(reply.getMessage()).find();
    }

    /** Whether Redis serves. The result is there within {@link Settings#redisTimeout}. */
    public CompletionStage<Boolean> isReady() {
        return commands.probe(NEVER_SET).handle((none, failure) -> {
            if (failure == null) {
                outages.served(address::toString, Operation.REPLIES);
            } else {
                outages.failed(address.toString(), Operation.WRITES, failure);
            }
            return failure == null;
        });
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
