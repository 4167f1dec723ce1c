package usercounter;

import jakarta.annotation.Priority;
import jakarta.inject.Inject;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.ext.Provider;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.microprofile.metrics.Metadata;
import org.eclipse.microprofile.metrics.MetricRegistry;
import org.eclipse.microprofile.metrics.Tag;
import org.eclipse.microprofile.metrics.Timer;

/**
 * Counts and times every request by method, route template and status, never by path: ids would make a time series
 * each. Liberty's own metric of this name is turned off (server.xml): it takes the status of an asynchronous answer
 * before there is one.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/http/http-metrics/">Semantic conventions for HTTP metrics</a>
 */
@Provider
@PreMatching
@Priority(0)
public class RequestMetrics implements ContainerRequestFilter, ContainerResponseFilter {

    private static final String START = RequestMetrics.class.getName();
    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT");
    private static final Metadata METADATA = Metadata.builder()
            .withName("http_server_request_duration")
            .withDescription("HTTP requests: how many, how long, by route template and status")
            .build();

    private record Key(String method, String route, int status) {}

    private final Map<Key, Timer> timers = new ConcurrentHashMap<>();

    @Inject
    MetricRegistry registry;

    /** Remembers when the request came. */
    @Override
    public void filter(ContainerRequestContext request) {
        request.setProperty(START, System.nanoTime());
    }

    /** Runs when the answer is known, on whatever thread. */
    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (request.getProperty(START) instanceof Long start) {
            Key key = new Key(
                    METHODS.contains(request.getMethod()) ? request.getMethod() : "_OTHER",
                    Objects.requireNonNullElse(request.getUriInfo().getMatchedResourceTemplate(), ""),
                    response.getStatus());
            timers.computeIfAbsent(key, this::timer).update(Duration.ofNanos(System.nanoTime() - start));
        }
    }

    private Timer timer(Key key) {
        return registry.timer(
                METADATA,
                new Tag("http_request_method", key.method()),
                new Tag("http_route", key.route()),
                new Tag("http_response_status_code", Integer.toString(key.status())));
    }
}
