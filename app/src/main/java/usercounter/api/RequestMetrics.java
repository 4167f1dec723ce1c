package usercounter.api;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
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
 * Counts and times every request by method, route template and status. A path as label would make one time series for
 * each id. Liberty's own metric of this name is turned off (server.xml): it reads the status of an asynchronous
 * response before the status is set.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/http/http-metrics/">Semantic conventions for HTTP metrics</a>
 */
@Provider
@PreMatching
@Priority(0)
@ApplicationScoped
public class RequestMetrics implements ContainerRequestFilter, ContainerResponseFilter {

    /** The route of a request that matches no resource: Jakarta REST reports the application's path. */
    static final String NO_ROUTE = "/";

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

    @Override
    public void filter(ContainerRequestContext request) {
        request.setProperty(START, System.nanoTime());
    }

    /** Runs when the response is known, on any thread. */
    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (request.getProperty(START) instanceof Long start) {
            update(
                    request.getMethod(),
                    Objects.requireNonNullElse(request.getUriInfo().getMatchedResourceTemplate(), NO_ROUTE),
                    response.getStatus(),
                    start);
        }
    }

    /**
     * Counts a request whose response is being sent.
     *
     * @param method as the client wrote it
     * @param route the route's template, or {@link #NO_ROUTE}
     * @param status the status of the response
     * @param start {@link System#nanoTime} when the request arrived
     */
    void update(String method, String route, int status, long start) {
        Key key = new Key(METHODS.contains(method) ? method : "_OTHER", route, status);
        timers.computeIfAbsent(key, this::timer).update(Duration.ofNanos(System.nanoTime() - start));
    }

    private Timer timer(Key key) {
        return registry.timer(
                METADATA,
                new Tag("http_request_method", key.method()),
                new Tag("http_route", key.route()),
                new Tag("http_response_status_code", Integer.toString(key.status())));
    }
}
