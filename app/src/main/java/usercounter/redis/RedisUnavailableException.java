package usercounter.redis;

/** Redis did not reply in time, or refused the command. A write may or may not have had its effect. */
public final class RedisUnavailableException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RedisUnavailableException() {
        // No stack trace: an outage creates thousands of these exceptions a second.
        super("Redis is unavailable: repeat the request after the time in Retry-After", null, false, false);
    }
}
