package usercounter.api;

import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.snapshots.Unit;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.enterprise.inject.Any;
import jakarta.enterprise.inject.spi.Bean;
import jakarta.enterprise.inject.spi.BeanManager;
import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Counts and times every request by method, route template and status. A path as label would make one time series for
 * each id.
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

    private static final Histogram DURATION = Histogram.builder()
            .name("http_server_request_duration_seconds")
            .help("Duration of HTTP requests, from the first filter to the response's headers")
            .labelNames("http_request_method", "http_route", "http_response_status_code")
            .classicOnly()
            // Up to a little more than the default of REDIS_TIMEOUT.
            .classicUpperBounds(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
            .withoutExemplars()
            .register();

    private record Key(String method, String route, int status) {}

    private final Map<Key, DistributionDataPoint> durations = new ConcurrentHashMap<>();

    /**
     * The objectives divide failures by all requests. Prometheus sees no growth in the first value of a series, so these
     * series exist before the first request. Resources without {@link Produces} have only files, which do not fail.
     *
     * @see <a href="https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics">Avoid missing metrics</a>
     */
    void start(@Observes Startup event, BeanManager beans) {
        beans.getBeans(Object.class, Any.Literal.INSTANCE).stream()
                .map(Bean::getBeanClass)
                .filter(type -> type.isAnnotationPresent(Path.class) && type.isAnnotationPresent(Produces.class))
                .flatMap(type -> Stream.of(type.getMethods()))
                .flatMap(RequestMetrics::routes)
                .forEach(RequestMetrics::duration);
    }

    private static Stream<Key> routes(Method resource) {
        String route = Stream.of(resource.getDeclaringClass(), resource)
                .map(part -> part.getAnnotation(Path.class))
                .filter(Objects::nonNull)
                .map(path -> path.value().replaceAll("^/|/$", ""))
                .collect(Collectors.joining("/", "/", ""));
        return Stream.of(resource.getAnnotations())
                .map(annotation -> annotation.annotationType().getAnnotation(HttpMethod.class))
                .filter(Objects::nonNull)
                .flatMap(method -> method.value().equals(HttpMethod.GET)
                        ? Stream.of(HttpMethod.GET, HttpMethod.HEAD)
                        : Stream.of(method.value()))
                .flatMap(method -> Stream.of(200, 500, 503).map(status -> new Key(method, route, status)));
    }

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
        DistributionDataPoint known = durations.get(key); // computeIfAbsent would take a lock
        (known != null ? known : durations.computeIfAbsent(key, RequestMetrics::duration))
                .observe(Unit.nanosToSeconds(System.nanoTime() - start));
    }

    private static DistributionDataPoint duration(Key key) {
        return DURATION.labelValues(key.method(), key.route(), Integer.toString(key.status()));
    }
}
