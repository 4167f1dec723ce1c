package usercounter.redis;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;

/**
 * Checks at the start and every ten seconds whether Redis evicts keys when its memory is full. Redis could evict
 * numbers or the records of idempotency keys. The check logs one line for each node with such a policy. It does nothing
 * if the Redis user may not run INFO.
 *
 * @see <a href="https://redis.io/docs/latest/develop/reference/eviction/">Key eviction</a>
 */
final class EvictionCheck implements AutoCloseable {

    private static final Logger LOG = Logger.getLogger(EvictionCheck.class.getName());

    /** A memory limit, and any policy except {@code noeviction}. */
    private static final Pattern EVICTION = Pattern.compile(
            "^maxmemory:[1-9].*^maxmemory_policy:(?!noeviction)(\\S+)", Pattern.MULTILINE | Pattern.DOTALL);

    private final CommandRouter commands;
    private final Set<HostAndPort> reported = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService timer = DaemonThreads.timer("redis-eviction-check");

    EvictionCheck(CommandRouter commands) {
        this.commands = commands;
        timer.scheduleWithFixedDelay(this::check, 0, 10, TimeUnit.SECONDS);
    }

    private void check() {
        commands.readAll(pipeline -> pipeline.sendCommand(Protocol.Command.INFO, "memory"))
                .forEach((node, answer) ->
                        answer.thenAccept(info -> report(node, new String((byte[]) info, StandardCharsets.UTF_8))));
    }

    private void report(HostAndPort node, String info) {
        Matcher eviction = EVICTION.matcher(info);
        if (!eviction.find()) {
            reported.remove(node);
        } else if (reported.add(node)) {
            LOG.log(
                    Level.SEVERE,
                    "Redis at {0} has maxmemory-policy {1}: when its memory is full it deletes numbers and idempotency "
                            + "keys, and increments are lost or counted twice. Set it to noeviction",
                    new Object[] {node, eviction.group(1)});
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
