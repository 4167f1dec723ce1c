package usercounter.counters;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.ClientErrorException;
import jakarta.ws.rs.InternalServerErrorException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response.Status;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.LogFields;
import usercounter.redis.RedisConnection;
import usercounter.redis.RedisUnavailableException;
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

    @Inject
    RedisConnection redis;

    @Inject
    Settings settings;

    private final Set<String> reportedKeys = ConcurrentHashMap.newKeySet();

    /**
     * Reads a user's number.
     *
     * @return 0 for a user without increments; fails like {@link #increment(UserId)}
     */
    public CompletionStage<Long> read(UserId user) {
        String key = key(user);
        return number(
                key,
                redis.read("GET", key, pipeline -> pipeline.get(key))
                        .thenApply(value -> value == null ? 0 : Long.parseLong(value)));
    }

    /**
     * Adds one to a user's number.
     *
     * @return the new number; fails with a {@link WebApplicationException} if the number in Redis cannot be incremented,
     *     and was not, or with a {@link RedisUnavailableException}, after which it may have been
     */
    public CompletionStage<Long> increment(UserId user) {
        String key = key(user);
        return number(key, redis.write("INCR", key, pipeline -> pipeline.incr(key)));
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
        return number(
                key,
                redis.write("EVAL", key, pipeline -> pipeline.eval(INCREMENT_ONCE, keys, arguments))
                        .thenApply(count -> Long.parseLong((String) count)));
    }

    private static String key(UserId user) {
        return "user:{" + user.value() + "}";
    }

    private CompletionStage<Long> number(String key, CompletionStage<Long> reply) {
        LogFields fields = LogFields.current();
        return reply.exceptionally(failure -> {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
            if (cause instanceof RedisUnavailableException unavailable) {
                throw unavailable;
            }
            if (cause instanceof JedisDataException && cause.getMessage().contains("would overflow")) {
                throw new ClientErrorException(
                        "The counter is at its maximum, 9223372036854775807, and cannot be incremented",
                        Status.CONFLICT);
            }
            if (reportedKeys.size() < MAX_REPORTED_KEYS && reportedKeys.add(key)) {
                fields.with(() -> LOG.log(
                        Level.SEVERE,
                        "The value of the Redis key {0}, or of one of its idempotency keys {0}:key:*, is no number. "
                                + "The service does not change it: set or delete it with redis-cli",
                        key));
            }
            throw new InternalServerErrorException(
                    "The value stored for this user is not a number: the operator of the service has to repair it");
        });
    }
}
