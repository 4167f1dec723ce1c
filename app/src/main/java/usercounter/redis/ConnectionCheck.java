package usercounter.redis;

import io.prometheus.metrics.core.metrics.Counter;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Connection;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.SetParams;
import usercounter.redis.pipeline.UnsafeRedisException;
import usercounter.settings.Settings;

/**
 * Checks each new connection before its first command: an acknowledged increment must be on Redis's disk, and stay there.
 *
 * <ul>
 *   <li>Redis evicts no keys when its memory is full. This is not checked if the user may not run INFO.
 *   <li>Redis syncs each write before it answers. With {@link Settings#redisReplicas}, the pipeline asks for that
 *       after each write instead. A managed Redis may not tell, see {@link Settings#redisDurability}.
 *   <li>The data are those of the last connection. They have a mark, which another data folder or disk does not have. If
 *       the mark is missing, the service writes {@link #LOST} with the expected mark there, so that a service that
 *       starts later refuses this Redis, too. The first service that ever finds a Redis without a mark writes a new one.
 *       The nodes of a Redis Cluster need no mark: a node with an empty disk has no slots.
 * </ul>
 *
 * @see <a href="https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/">Persistence</a>
 * @see <a href="https://redis.io/docs/latest/develop/reference/eviction/">Key eviction</a>
 */
final class ConnectionCheck {

    /** The key of the mark. */
    static final String MARK = "service:data";

    static final String LOST = "lost:";

    private static final Counter REFUSED = Counter.builder()
            .name("redis_client_connections_refused_total")
            .help("Number of connections that were closed at once, because Redis would lose acknowledged increments")
            .register();

    /** A memory limit, and any policy except {@code noeviction}. */
    private static final Pattern EVICTION = Pattern.compile(
            "^maxmemory:[1-9].*^maxmemory_policy:(?!noeviction)(\\S+)", Pattern.MULTILINE | Pattern.DOTALL);

    private static final CommandObject<String> INFO_MEMORY =
            new CommandObject<>(new CommandArguments(Protocol.Command.INFO).add("memory"), BuilderFactory.STRING);

    private static final CommandObject<Map<String, String>> APPEND_SETTINGS = new CommandObject<>(
            new CommandArguments(Protocol.Command.CONFIG)
                    .add(Protocol.Keyword.GET)
                    .add("*append*"),
            BuilderFactory.STRING_MAP);

    /** The settings with which Redis syncs each write before it answers. */
    private static final Map<String, String> DURABLE =
            Map.of("appendonly", "yes", "appendfsync", "always", "no-appendfsync-on-rewrite", "no");

    private final boolean checksDisk;
    private final boolean checksMark;
    private final AtomicReference<String> expected = new AtomicReference<>();

    /**
     * @param checksDisk whether Redis must tell that it syncs each write
     * @param checksMark whether the data have a mark
     */
    ConnectionCheck(boolean checksDisk, boolean checksMark) {
        this.checksDisk = checksDisk;
        this.checksMark = checksMark;
    }

    /** @throws UnsafeRedisException if this Redis would lose acknowledged increments */
    void check(Connection connection) {
        Pipeline pipeline = new Pipeline(connection);
        Response<String> mark = checksMark ? pipeline.get(MARK) : null;
        Response<String> memory = pipeline.executeCommand(INFO_MEMORY);
        Response<Map<String, String>> append = checksDisk ? pipeline.executeCommand(APPEND_SETTINGS) : null;
        pipeline.sync();
        try {
            String found = checksMark ? mark.get() : null; // first: fails if Redis does not serve yet
            requireNoEviction(memory);
            if (checksDisk) {
                requireDisk(append);
            }
            if (checksMark) {
                requireMark(found == null ? mark(pipeline) : found, pipeline);
            }
        } catch (UnsafeRedisException e) {
            REFUSED.inc();
            throw e;
        }
    }

    private static void requireNoEviction(Response<String> memory) {
        try {
            Matcher eviction = EVICTION.matcher(memory.get());
            if (eviction.find()) {
                throw new UnsafeRedisException(
                        "maxmemory-policy is %s: when its memory is full, Redis deletes numbers and idempotency keys. Set it to noeviction"
                                .formatted(eviction.group(1)));
            }
        } catch (JedisDataException e) {
            // The user may not run INFO.
        }
    }

    private static void requireDisk(Response<Map<String, String>> append) {
        Map<String, String> settings;
        try {
            settings = append.get();
        } catch (JedisDataException e) {
            throw new UnsafeRedisException(
                    "Redis does not tell whether it syncs each write to its disk (%s). Permit its user CONFIG GET, or set REDIS_DURABILITY=unchecked if you know that it does"
                            .formatted(e.getMessage()));
        }
        DURABLE.forEach((name, durable) -> {
            if (!durable.equals(settings.get(name))) {
                throw new UnsafeRedisException("%s is %s: when Redis crashes, it loses numbers. Set it to %s"
                        .formatted(name, settings.get(name), durable));
            }
        });
    }

    /** Writes a mark to data without one. Returns null if Redis does not accept the write. */
    private String mark(Pipeline pipeline) {
        String known = expected.get();
        pipeline.set(
                MARK,
                known == null ? UUID.randomUUID().toString() : LOST + known,
                SetParams.setParams().nx());
        Response<String> mark = pipeline.get(MARK);
        pipeline.sync();
        return mark.get();
    }

    private void requireMark(String mark, Pipeline pipeline) {
        if (mark != null && mark.startsWith(LOST)) {
            expected.set(mark.substring(LOST.length()));
        } else if (expected.get() == null) {
            expected.set(mark);
            return;
        } else if (expected.get().equals(mark)) {
            return;
        } else {
            pipeline.set(MARK, LOST + expected.get());
            pipeline.sync();
        }
        throw new UnsafeRedisException(
                "Redis has other data than before, perhaps because of another disk or folder: its numbers are not those that were acknowledged. See UserCounterRedisUnsafe in docs/runbooks.md");
    }
}
