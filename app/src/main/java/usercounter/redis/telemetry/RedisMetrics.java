package usercounter.redis.telemetry;

import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.Unit;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import redis.clients.jedis.util.Pool;
import usercounter.redis.pipeline.CommandRouter;
import usercounter.redis.pipeline.RedisNodes;

/**
 * Metrics of commands and connections. In a Redis Cluster they are of all nodes together: a node as label would make new
 * time series for each restart of a node with another address.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/db/database-metrics/">Semantic conventions for database
 *     client metrics</a>
 */
public final class RedisMetrics {

    private static final Histogram DURATION = Histogram.builder()
            .name("db_client_operation_duration_seconds")
            .help("Duration of Redis commands, from the submission to the result")
            .constLabels(Labels.of("db_system_name", "redis"))
            .labelNames("db_operation_name", "error_type")
            .classicOnly()
            .classicUpperBounds(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10) // those of the conventions
            .withoutExemplars()
            .register();

    private static final Histogram BATCH = Histogram.builder()
            .name("redis_client_batch_commands")
            .help("Number of commands in a batch that was sent to a Redis node")
            .classicOnly()
            .classicExponentialUpperBounds(1, 2, 11) // up to 1024, since CommandPipeline sends at most 1000
            .withoutExemplars()
            .register();

    private record Key(String operation, String errorType) {}

    private static final Map<Key, DistributionDataPoint> DURATIONS = new ConcurrentHashMap<>();

    private RedisMetrics() {}

    /**
     * Counts and times a command that is complete.
     *
     * @param operation the name of the command, such as GET
     * @param failure why the command failed, or null
     * @param start {@link System#nanoTime} when the command was submitted
     */
    public static void completed(String operation, Throwable failure, long start) {
        Key key = new Key(operation, failure == null ? "" : ErrorType.of(failure));
        DistributionDataPoint known = DURATIONS.get(key); // computeIfAbsent would take a lock
        (known != null ? known : DURATIONS.computeIfAbsent(key, RedisMetrics::duration))
                .observe(Unit.nanosToSeconds(System.nanoTime() - start));
    }

    private static DistributionDataPoint duration(Key key) {
        return DURATION.labelValues(key.operation(), key.errorType());
    }

    /** Counts a batch of this number of commands. */
    public static void sent(int commands) {
        BATCH.observe(commands);
    }

    /** Registers the metrics that each scrape reads from these objects. */
    public static void register(RedisNodes nodes, CommandRouter commands) {
        GaugeWithCallback.builder()
                .name("db_client_connection_count")
                .help("Number of open connections to Redis nodes: in use by a batch, or idle")
                .labelNames("db_client_connection_state")
                .callback(gauge -> {
                    gauge.call(
                            nodes.pools().stream().mapToInt(Pool::getNumActive).sum(), "used");
                    gauge.call(nodes.pools().stream().mapToInt(Pool::getNumIdle).sum(), "idle");
                })
                .register();
        GaugeWithCallback.builder()
                .name("db_client_connection_pending_requests")
                .help("Number of commands that wait until the batch before theirs is complete")
                .callback(gauge -> gauge.call(commands.waiting()))
                .register();
    }
}
