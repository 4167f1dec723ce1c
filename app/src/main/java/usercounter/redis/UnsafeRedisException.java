package usercounter.redis;

import redis.clients.jedis.exceptions.JedisException;

/** Redis answers, but would lose increments that the service acknowledges. See {@link ConnectionCheck}. */
final class UnsafeRedisException extends JedisException {

    private static final long serialVersionUID = 1L;

    UnsafeRedisException(String message) {
        super(message);
    }
}
