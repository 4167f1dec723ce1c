package usercounter.operations;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;
import usercounter.counters.Counters;

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

    /** Up as soon as the application has started. Redis is not asked. */
    @Produces
    @Startup
    HealthCheck started() {
        return () -> HealthCheckResponse.up("application");
    }

    /** Up while this process can send commands. Redis is not asked: a restart of this process does not repair Redis. */
    @Produces
    @Liveness
    HealthCheck live() {
        return () -> HealthCheckResponse.named("application")
                .status(counters.isAlive())
                .build();
    }

    /** Up if Redis serves and this process is not shutting down. */
    @Produces
    @Readiness
    HealthCheck ready() {
        return () -> HealthCheckResponse.named("redis")
                .status(!draining.hasBegun()
                        && counters.isReady().toCompletableFuture().join())
                .build();
    }
}
