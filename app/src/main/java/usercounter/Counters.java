package usercounter;

import jakarta.annotation.PostConstruct;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.microprofile.metrics.Metadata;
import org.eclipse.microprofile.metrics.MetricRegistry;
import org.eclipse.microprofile.metrics.Tag;
import org.eclipse.microprofile.metrics.Timer;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * The numbers, in Redis: a user's is the string under the key {@code user:{id}}, and the one that was answered to an
 * {@link IdempotencyKey} is the string under {@code user:{id}:key:…}, until it expires. The braces are a Redis Cluster
 * hash tag, so that all of a user's keys lie in the same slot.
 *
 * @see <a href="https://redis.io/docs/latest/commands/incr/">INCR</a>
 * @see <a href="https://redis.io/docs/latest/develop/programmability/eval-intro/">Scripts are atomic</a>
 * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags">Hash tags</a>
 */
@ApplicationScoped
public class Counters {

    private static final Logger LOG = Logger.getLogger(Counters.class.getName());
    private static final int MOST_REPORTED_KEYS = 1_000;

    /**
     * Counts once for each idempotency key: as one step, INCR and a record of the number, or the number recorded before. A
     * command that fails ends the script there. The number is read back as a string, since Lua's own numbers are exact
     * up to 2^53 only. A number recorded before is written once more, so that its repetition, too, waits until the record is
     * on the replicas that {@link Settings#redisReplicas} asks for: the first time may have ended before that. Sent
     * whole each time, the script cannot be missing in a Redis that restarted.
     *
     * <p>Redis keys: the counter, the record. Argument: the record's time to live in milliseconds.
     */
    private static final String INCREMENT_ONCE = """
            local first = redis.call('GET', KEYS[2])
            if first then
              redis.call('SET', KEYS[2], first, 'KEEPTTL')
              return first
            end
            redis.call('INCR', KEYS[1])
            local count = redis.call('GET', KEYS[1])
            redis.call('SET', KEYS[2], count, 'PX', ARGV[1])
            return count
            """;

    private enum Command {
        GET,
        INCR,
        EVAL,
        DBSIZE
    }

    private enum Outcome {
        OK,
        OVERFLOW,
        CORRUPT,
        UNAVAILABLE
    }

    /** What there is to report of Redis, the more telling the later. */
    private enum Outage {
        NONE,
        NO_ANSWER,
        FAILURE;

        private Outage moreTelling(Outage other) {
            return compareTo(other) > 0 ? this : other;
        }
    }

    @Inject
    RedisConnection redis;

    @Inject
    Settings settings;

    @Inject
    MetricRegistry metrics;

    private final Map<Command, Map<Outcome, Timer>> timers = new EnumMap<>(Command.class);
    private final Set<String> reportedKeys = ConcurrentHashMap.newKeySet();
    private final AtomicReference<Outage> reported = new AtomicReference<>(Outage.NONE);

    @PostConstruct
    void registerTimers() {
        Metadata metadata = Metadata.builder()
                .withName("redis_command")
                .withDescription("Redis commands: how many, how long, with what outcome")
                .build();
        for (Command command : Command.values()) {
            Map<Outcome, Timer> byOutcome = new EnumMap<>(Outcome.class);
            for (Outcome outcome : Outcome.values()) {
                byOutcome.put(
                        outcome,
                        metrics.timer(
                                metadata,
                                new Tag("command", command.name().toLowerCase(Locale.ROOT)),
                                new Tag("outcome", outcome.name().toLowerCase(Locale.ROOT))));
            }
            timers.put(command, byOutcome);
        }
    }

    /**
     * Reads a user's number.
     *
     * @return 0 for a user never counted; fails with a {@link CounterException}
     */
    public CompletionStage<Long> read(UserId user) {
        String key = key(user);
        return measured(
                Command.GET,
                key,
                () -> redis.read(key, pipeline -> pipeline.get(key))
                        .thenApply(value -> value == null ? 0 : Long.parseLong(value)));
    }

    /**
     * Adds one to a user's number.
     *
     * @return the new number; fails with a {@link CounterException}, and for
     *     {@link CounterException.Reason#UNAVAILABLE} alone the increment may have happened all the same
     */
    public CompletionStage<Long> increment(UserId user) {
        String key = key(user);
        return measured(Command.INCR, key, () -> redis.write(key, pipeline -> pipeline.incr(key)));
    }

    /**
     * Adds one to a user's number, unless that was done before with the same idempotency key. A key is forgotten
     * {@link Settings#idempotencyKeyTtl} after it counted, or sooner if it says so itself.
     *
     * @return the number that this key counted; fails as {@link #increment(UserId)} does, after which the same call is
     *     safe to repeat
     */
    public CompletionStage<Long> increment(UserId user, IdempotencyKey idempotencyKey) {
        String key = key(user);
        List<String> keys = List.of(key, key + ":key:" + idempotencyKey.value());
        Duration ttl = idempotencyKey
                .ttl()
                .filter(asked -> asked.compareTo(settings.idempotencyKeyTtl()) < 0)
                .orElse(settings.idempotencyKeyTtl());
        List<String> arguments = List.of(Long.toString(ttl.toMillis()));
        return measured(
                Command.EVAL,
                key,
                () -> redis.write(key, pipeline -> pipeline.eval(INCREMENT_ONCE, keys, arguments))
                        .thenApply(count -> Long.parseLong((String) count)));
    }

    /** Asks Redis for a sign of life, on the way that every request takes; fails with a {@link CounterException}. */
    public CompletionStage<Boolean> ping() {
        return measured(Command.DBSIZE, "", redis::ping);
    }

    private static String key(UserId user) {
        return "user:{" + user.value() + "}";
    }

    private <T> CompletionStage<T> measured(Command command, String key, Supplier<CompletionStage<T>> call) {
        long start = System.nanoTime();
        return call.get().handle((value, failure) -> {
            Outcome outcome = failure == null ? Outcome.OK : outcome(failure);
            timers.get(command).get(outcome).update(Duration.ofNanos(System.nanoTime() - start));
            report(outcome, key, failure);
            return switch (outcome) {
                case OK -> value;
                case OVERFLOW ->
                    throw new CounterException(
                            CounterException.Reason.OVERFLOW, "The counter stands at its maximum, 9223372036854775807");
                case CORRUPT ->
                    throw new CounterException(
                            CounterException.Reason.CORRUPT, "What is stored for this user is not a number");
                case UNAVAILABLE ->
                    throw new CounterException(
                            CounterException.Reason.UNAVAILABLE, "The counters cannot be reached at the moment");
            };
        });
    }

    private static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException ? failure.getCause() : failure;
    }

    private static Outcome outcome(Throwable failure) {
        Throwable cause = cause(failure);
        if (cause instanceof NumberFormatException) {
            return Outcome.CORRUPT;
        }
        if (cause instanceof JedisDataException) {
            // Redis has no codes for these two, only their texts, to which a script adds its own before or after.
            if (cause.getMessage().contains("would overflow")) {
                return Outcome.OVERFLOW;
            }
            if (cause.getMessage().contains("WRONGTYPE") || cause.getMessage().contains("value is not an integer")) {
                return Outcome.CORRUPT;
            }
        }
        return Outcome.UNAVAILABLE;
    }

    private static Outage outage(Throwable cause) {
        return cause instanceof TimeoutException || cause.getCause() instanceof SocketTimeoutException
                ? Outage.NO_ANSWER
                : Outage.FAILURE;
    }

    /** One line per outage, a second one if there is a reason after time-outs, and one per broken key. */
    private void report(Outcome outcome, String key, Throwable failure) {
        switch (outcome) {
            case CORRUPT -> {
                if (reportedKeys.size() < MOST_REPORTED_KEYS && reportedKeys.add(key)) {
                    LOG.log(
                            Level.SEVERE,
                            "The value of the Redis key {0}, or of a key below it, is no number; it is left as it is",
                            key);
                }
            }
            case UNAVAILABLE -> {
                Outage outage = outage(cause(failure));
                if (reported.getAndAccumulate(outage, Outage::moreTelling).compareTo(outage) < 0) {
                    // As text, for to an exception Liberty adds its stack trace.
                    LOG.log(Level.WARNING, "Redis at {0} does not serve: {1}", new Object[] {
                        redis.address(), cause(failure).toString()
                    });
                }
            }
            default -> {
                if (reported.get() != Outage.NONE && reported.getAndSet(Outage.NONE) != Outage.NONE) {
                    LOG.log(ServiceStart.AUDIT, "Redis at {0} serves again", redis.address());
                }
            }
        }
    }
}
