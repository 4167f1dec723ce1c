package usercounter.redis.pipeline;

import redis.clients.jedis.exceptions.JedisException;

/** Redis answers, but would lose data that it acknowledges, so its connection is not used. */
public final class UnsafeRedisException extends JedisException {

    private static final long serialVersionUID = 1L;

    public UnsafeRedisException(String message) {
        super(message);
    }
}
