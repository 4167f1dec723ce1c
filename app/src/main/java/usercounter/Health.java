package usercounter;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * {@code /health/started}, {@code /health/live} and {@code /health/ready}.
 *
 * @see <a href="https://download.eclipse.org/microprofile/microprofile-health-4.0/microprofile-health-spec-4.0.html">
 *     MicroProfile Health 4.0</a>
 */
@ApplicationScoped
public class Health {

    @Inject
    Counters counters;

    @Inject
    Draining draining;

    /** The application is up, whatever Redis does. */
    @Produces
    @Startup
    HealthCheck started() {
        return () -> HealthCheckResponse.up("application");
    }

    /** Never asks Redis: a restart of this process mends nothing there. */
    @Produces
    @Liveness
    HealthCheck live() {
        return () -> HealthCheckResponse.up("application");
    }

    /** Redis answered within its time-out, and this process is not about to end. */
    @Produces
    @Readiness
    HealthCheck ready() {
        return () -> HealthCheckResponse.named("redis")
                .status(!draining.hasBegun() && redisAnswers())
                .build();
    }

    private boolean redisAnswers() {
        return counters.ping()
                .handle((pong, failure) -> failure == null)
                .toCompletableFuture()
                .join();
    }
}
