package usercounter.redis;

import usercounter.settings.InvalidSettingException;
import usercounter.settings.RedisAddress;

/** The Redis that is used if {@code REDIS_URL} is not set. Only development has one, see {@code usercounter.dev}. */
public interface DefaultRedis {

    /**
     * Starts this Redis.
     *
     * @return its address
     * @throws InvalidSettingException if it cannot run on this machine
     */
    RedisAddress start();
}
