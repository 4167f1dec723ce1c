package usercounter.testkit;

import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClientPauseMode;
import usercounter.dev.RedisServer;

/**
 * For a minute, or until {@link #resume}, Redis runs no write. Unlike a stopped process, Redis replies to PING. Without a
 * reply, the pool would still check its idle connection when a request needs one, and open another one.
 *
 * @see <a href="https://redis.io/docs/latest/commands/client-pause/">CLIENT PAUSE</a>
 */
public final class PausedWrites {

    private final Jedis client;

    public PausedWrites(RedisServer redis) {
        client = new Jedis("127.0.0.1", redis.port());
        client.clientPause(60_000, ClientPauseMode.WRITE);
    }

    public void resume() {
        client.clientUnpause();
        client.close();
    }
}
