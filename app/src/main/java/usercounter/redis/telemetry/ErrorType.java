package usercounter.redis.telemetry;

import java.net.SocketTimeoutException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import usercounter.redis.pipeline.ErrorCode;
import usercounter.redis.pipeline.UnsafeRedisException;

/** Why a command failed, for metrics, traces and the log. */
public final class ErrorType {

    static final String OTHER = "_OTHER";

    private ErrorType() {}

    /**
     * The class of a failure: one of the {@link ErrorCode}s, {@code timeout}, {@code connection} for a node that is
     * unknown or cannot be reached, {@code unsafe} for an {@link UnsafeRedisException}, {@code rejected} for a command
     * that was not sent, since too many wait or the service stops, or {@code _OTHER}.
     *
     * @see <a href="https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type">error.type</a>
     */
    static String of(Throwable failure) {
        if (failure instanceof TimeoutException || failure.getCause() instanceof SocketTimeoutException) {
            return "timeout";
        }
        if (failure instanceof JedisDataException reply) {
            ErrorCode code = ErrorCode.of(reply);
            return code == ErrorCode.OTHER ? OTHER : code.name();
        }
        if (failure instanceof UnsafeRedisException) {
            return "unsafe";
        }
        if (failure instanceof JedisException) {
            return "connection";
        }
        return failure instanceof RejectedExecutionException ? "rejected" : OTHER;
    }

    /**
     * The words of the first cause: the name that has no address, or what is wrong with the certificate. Jedis tries each
     * address of a name, and suppresses their failures.
     */
    public static String reason(Throwable failure) {
        Throwable first = failure;
        while (first.getCause() != null || first.getSuppressed().length > 0) {
            first = first.getCause() != null ? first.getCause() : first.getSuppressed()[0];
        }
        return first.toString();
    }
}
