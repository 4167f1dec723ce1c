package peer;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;

class Redis {

    @Produces
    @ApplicationScoped
    UnifiedJedis open() {
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(64);
        pool.setMaxIdle(64);
        return RedisClient.builder()
                .hostAndPort(HostAndPort.from(System.getenv("REDIS_URL")))
                .poolConfig(pool)
                .build();
    }

    void close(@Disposes UnifiedJedis redis) {
        redis.close();
    }
}
