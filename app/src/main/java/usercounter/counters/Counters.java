package usercounter.counters;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.LogFields;
import usercounter.redis.CommandTrace;
import usercounter.redis.OutageLog;
import usercounter.redis.OutageLog.Operation;
import usercounter.redis.RedisConnection;
import usercounter.redis.RedisErrors;
import usercounter.redis.RedisMetrics;
import usercounter.settings.Settings;

/**
 * The numbers in Redis. A user's number is the string at the key {@code user:{id}}. The number that was the answer to
 * an {@link IdempotencyKey} is the string at {@code user:{id}:key:…}, until that key expires. The braces are a Redis
 * Cluster hash tag: all keys of a user are in one slot.
 *
 * @see <a href="https://redis.io/docs/latest/commands/incr/">INCR</a>
 * @see <a href="https://redis.io/docs/latest/develop/programmability/eval-intro/">Scripts are atomic</a>
 * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags">Hash tags</a>
 */
@ApplicationScoped
public class Counters {

    private static final Logger LOG = Logger.getLogger(Counters.class.getName());
    private static final int MAX_REPORTED_KEYS = 1_000;

    /**
     * Counts once for each idempotency key: either increments and records the number, or returns the recorded number.
     *
     * <ul>
     *   <li>A failing command ends the script and rolls nothing back. So the first write is a SET with XX, which
     *       changes nothing: if Redis refuses to write the record, it refuses this SET, before the increment.
     *   <li>The number is read back as a string, since Lua's numbers are exact up to 2^53 only.
     *   <li>A recorded number is written again, so that a repeated request also waits until the record is on the
     *       replicas that {@link Settings#redisReplicas} requires. The first request may have failed before that.
     *   <li>The script is sent with each request, since a restarted Redis does not have it.
     * </ul>
     *
     * <p>Redis keys: the counter, the record. Argument: the record's time to live in milliseconds.
     */
    private static final String INCREMENT_ONCE = """
            local first = redis.call('GET', KEYS[2])
            if first then
              redis.call('SET', KEYS[2], first, 'KEEPTTL')
              return first
            end
            redis.call('SET', KEYS[2], '', 'XX')
            redis.call('INCR', KEYS[1])
            local count = redis.call('GET', KEYS[1])
            redis.call('SET', KEYS[2], count, 'PX', ARGV[1])
            return count
            """;

    private enum Command {
        GET(Operation.READS),
        INCR(Operation.WRITES),
        EVAL(Operation.WRITES);

        private final Operation operation;

        Command(Operation operation) {
            this.operation = operation;
        }
    }

    private enum Outcome {
        OK,
        OVERFLOW,
        CORRUPT,
        UNAVAILABLE
    }

    @Inject
    RedisConnection redis;

    @Inject
    Settings settings;

    private final Set<String> reportedKeys = ConcurrentHashMap.newKeySet();
    private final OutageLog outages = new OutageLog();

    /**
     * Reads a user's number.
     *
     * @return 0 for a user without increments; fails with a {@link CounterException}
     */
    public CompletionStage<Long> read(UserId user) {
        String key = key(user);
        return measured(
                Command.GET,
                key,
                trace -> redis.read(key, pipeline -> pipeline.get(key), trace)
                        .thenApply(value -> value == null ? 0 : Long.parseLong(value)));
    }

    /**
     * Adds one to a user's number.
     *
     * @return the new number; fails with a {@link CounterException}. Only after
     *     {@link CounterException.Reason#UNAVAILABLE} may the increment have happened nevertheless
     */
    public CompletionStage<Long> increment(UserId user) {
        String key = key(user);
        return measured(Command.INCR, key, trace -> redis.write(key, pipeline -> pipeline.incr(key), trace));
    }

    /**
     * Adds one to a user's number, unless a request with the same idempotency key has done so before. Redis keeps a key
     * for {@link Settings#idempotencyKeyTtl}, or for the key's own time to live if that is shorter.
     *
     * @return the number after the first request with this key; fails like {@link #increment(UserId)}, and is then safe
     *     to call again
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
                trace -> redis.write(key, pipeline -> pipeline.eval(INCREMENT_ONCE, keys, arguments), trace)
                        .thenApply(count -> Long.parseLong((String) count)));
    }

    /** Whether Redis serves. The result is there within {@link Settings#redisTimeout}. */
    public CompletionStage<Boolean> isReady() {
        return redis.probe().handle((none, failure) -> {
            if (failure == null) {
                outages.served(redis.address()::toString, Operation.REPLIES);
            } else {
                outages.failed(redis.address().toString(), Operation.WRITES, RedisErrors.unwrapped(failure));
            }
            return failure == null;
        });
    }

    /** Whether this process can still send commands to Redis. */
    public boolean isAlive() {
        return redis.isAlive();
    }

    private static String key(UserId user) {
        return "user:{" + user.value() + "}";
    }

    private <T> CompletionStage<T> measured(
            Command command, String key, Function<CommandTrace, CompletionStage<T>> call) {
        long start = System.nanoTime();
        CommandTrace trace = CommandTrace.start(command.name());
        String requestId = LogFields.requestId();
        return call.apply(trace).handle((value, failure) -> {
            Throwable cause = RedisErrors.unwrapped(failure);
            Outcome outcome = cause == null ? Outcome.OK : outcome(cause);
            RedisMetrics.completed(command.name(), cause, start);
            trace.completed(cause);
            if (cause == null) {
                report(command, outcome, key, null);
            } else {
                LogFields.with(requestId, trace.id(), () -> report(command, outcome, key, cause));
            }
            return switch (outcome) {
                case OK -> value;
                case OVERFLOW ->
                    throw new CounterException(
                            CounterException.Reason.OVERFLOW,
                            "The counter is at its maximum, 9223372036854775807, and cannot be incremented");
                case CORRUPT ->
                    throw new CounterException(
                            CounterException.Reason.CORRUPT,
                            "The value stored for this user is not a number: the operator of the service has to repair it");
                case UNAVAILABLE ->
                    throw new CounterException(
                            CounterException.Reason.UNAVAILABLE,
                            "Redis is unavailable: repeat the request after the time in Retry-After, a POST with an Idempotency-Key");
            };
        });
    }

    private static Outcome outcome(Throwable cause) {
        if (cause instanceof NumberFormatException) {
            return Outcome.CORRUPT;
        }
        if (cause instanceof JedisDataException) {
            // Redis has no codes for these errors, only texts. The error of a script contains the text of its command.
            if (cause.getMessage().contains("would overflow")) {
                return Outcome.OVERFLOW;
            }
            if (cause.getMessage().contains("WRONGTYPE") || cause.getMessage().contains("value is not an integer")) {
                return Outcome.CORRUPT;
            }
        }
        return Outcome.UNAVAILABLE;
    }

    /** Logs one line for each outage, see {@link OutageLog}, and one for each corrupt key. */
    private void report(Command command, Outcome outcome, String key, Throwable cause) {
        switch (outcome) {
            case CORRUPT -> {
                if (reportedKeys.size() < MAX_REPORTED_KEYS && reportedKeys.add(key)) {
                    LOG.log(
                            Level.SEVERE,
                            "The value of the Redis key {0}, or of one of its idempotency keys {0}:key:*, is no number. "
                                    + "The service does not change it: set or delete it with redis-cli",
                            key);
                }
            }
            case UNAVAILABLE -> outages.failed(redis.nodeOf(key), command.operation, cause);
            default -> outages.served(() -> redis.nodeOf(key), command.operation);
        }
    }
}
