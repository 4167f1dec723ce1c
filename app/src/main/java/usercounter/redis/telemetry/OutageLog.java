package usercounter.redis.telemetry;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import redis.clients.jedis.exceptions.JedisDataException;
import usercounter.LogLevel;

/**
 * Logs the start and the end of an outage of a Redis node, instead of each failure. Failing reads, failing writes and
 * missing replies are separate outages. During an outage, the first failure of each further reason is logged, too: after
 * a lost connection, for example, the reason why no new one opens.
 */
public final class OutageLog {

    /** The operations that a node can fail at. */
    public enum Operation {
        READS("reads"),
        WRITES("writes"),
        /** Neither reads nor writes get a reply. */
        REPLIES("anything");

        private final String text;

        Operation(String text) {
            this.text = text;
        }
    }

    /** An outage ends after this time without a failure. So alternating failures and successes are one outage. */
    private static final Duration QUIET = Duration.ofSeconds(3);

    /** Limits the lines of an outage, if texts differ that mean the same. */
    private static final int MAX_REASONS = 10;

    /** Types of failures that have different reasons. */
    private static final Set<String> GENERAL = Set.of("connection", "ERR", "_OTHER");

    private static final Logger LOG = Logger.getLogger(OutageLog.class.getName());

    private record Service(String node, Operation operation) {}

    private record Outage(Set<String> reasons, long lastFailure) {}

    private final Map<Service, Outage> outages = new ConcurrentHashMap<>();
    private final LongSupplier nanoTime;

    public OutageLog() {
        this(System::nanoTime);
    }

    OutageLog(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * @param node the address of the node
     * @param operation the operation that failed
     * @param failure the error reply, or the reason why there was no reply
     */
    public void failed(String node, Operation operation, Throwable failure) {
        String type = ErrorType.of(failure);
        String text = ErrorType.reason(failure);
        String reason = GENERAL.contains(type) ? text : type;
        Operation failed = failure instanceof JedisDataException ? operation : Operation.REPLIES;
        AtomicBoolean news = new AtomicBoolean();
        outages.compute(new Service(node, failed), (service, known) -> {
            Set<String> reasons = known == null ? Set.of() : known.reasons();
            news.set(!reasons.contains(reason) && reasons.size() < MAX_REASONS);
            return new Outage(news.get() ? with(reasons, reason) : reasons, nanoTime.getAsLong());
        });
        if (news.get()) {
            // As text: Liberty would log an exception with its stack trace.
            LOG.log(Level.WARNING, "Redis at {0} does not serve {1}: {2}", new Object[] {node, failed.text, text});
        }
    }

    private static Set<String> with(Set<String> reasons, String another) {
        return Stream.concat(reasons.stream(), Stream.of(another)).collect(Collectors.toUnmodifiableSet());
    }

    /** Reports that a node has replied without an error. */
    public void served(Supplier<String> node, Operation operation) {
        if (!outages.isEmpty()) {
            end(new Service(node.get(), operation));
            end(new Service(node.get(), Operation.REPLIES));
        }
    }

    private void end(Service service) {
        Outage outage = outages.get(service);
        if (outage != null
                && nanoTime.getAsLong() - outage.lastFailure() > QUIET.toNanos()
                && outages.remove(service, outage)) {
            LOG.log(LogLevel.AUDIT, "Redis at {0} serves {1} again", new Object[] {
                service.node(), service.operation().text
            });
        }
    }
}
