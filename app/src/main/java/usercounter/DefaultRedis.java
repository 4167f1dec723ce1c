package usercounter;

/** The Redis to use where {@code REDIS_URL} is not set; development has one, see {@code usercounter.dev}. */
public interface DefaultRedis {

    /**
     * Starts it.
     *
     * @return where it answers
     * @throws InvalidSettingException if it cannot run here
     */
    RedisAddress start();
}
