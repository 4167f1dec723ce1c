/**
 * Access to Redis. {@link usercounter.redis.RedisConnection} is the only class that resources need: it sends commands, and
 * measures, traces and logs them.
 */
package usercounter.redis;
