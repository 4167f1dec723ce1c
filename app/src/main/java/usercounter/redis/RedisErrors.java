package usercounter.redis;

import java.net.SocketTimeoutException;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Helpers for the failures of commands.
 *
 * @see <a href="https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors">Simple errors</a>
 */
public final class RedisErrors {

    /** Before Redis 7, the error of a script has the error of its command at the end. */
    private static final Pattern CODE =
            Pattern.compile("(?:ERR Error running script .*: -)?([A-Z]+) .*", Pattern.DOTALL);

    /**
     * The codes that the service's commands may get.
     *
     * @see <a href="https://github.com/redis/redis/blob/unstable/src/server.c">createSharedObjects in Redis's server.c</a>
     */
    private static final Set<String> CODES = Set.of(
            "ASK",
            "BUSY",
            "CLUSTERDOWN",
            "ERR",
            "LOADING",
            "MASTERDOWN",
            "MISCONF",
            "MOVED",
            "NOAUTH",
            "NOPERM",
            "NOREPLICAS",
            "OOM",
            "READONLY",
            "TRYAGAIN",
            "WRONGPASS",
            "WRONGTYPE");

    private RedisErrors() {}

    /** The code at the start of the reply, such as {@code READONLY}; empty if the reply has no code. */
    static String code(JedisDataException reply) {
        Matcher matcher = CODE.matcher(String.valueOf(reply.getMessage()));
        return matcher.matches() ? matcher.group(1) : "";
    }

    /** Whether there was no reply in time, for a reason that is not known. */
    static boolean isTimeout(Throwable failure) {
        return failure instanceof TimeoutException || failure.getCause() instanceof SocketTimeoutException;
    }

    /**
     * The class of a failure, for a metric: one of the {@link #CODES}, {@code timeout}, {@code connection} for a node that
     * is unknown or cannot be reached, {@code unsafe} for an {@link UnsafeRedisException}, {@code rejected} for a command
     * that was not sent, since too many wait or the service stops, or {@code _OTHER}.
     *
     * @see <a href="https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type">error.type</a>
     */
    static String type(Throwable failure) {
        if (isTimeout(failure)) {
            return "timeout";
        }
        if (failure instanceof JedisDataException reply) {
            String code = code(reply);
            return CODES.contains(code) ? code : "_OTHER";
        }
        if (failure instanceof UnsafeRedisException) {
            return "unsafe";
        }
        if (failure instanceof JedisException) {
            return "connection";
        }
        return failure instanceof RejectedExecutionException ? "rejected" : "_OTHER";
    }

    /**
     * Why a command failed, in the words of the first cause: the name that has no address, or what is wrong with the
     * certificate. Jedis tries each address of a name, and suppresses their failures.
     */
    static String reason(Throwable failure) {
        Throwable first = failure;
        while (first.getCause() != null || first.getSuppressed().length > 0) {
            first = first.getCause() != null ? first.getCause() : first.getSuppressed()[0];
        }
        return first.toString();
    }

    /** The failure without the {@link CompletionException} around it. */
    public static Throwable unwrapped(Throwable failure) {
        return failure instanceof CompletionException ? failure.getCause() : failure;
    }
}
