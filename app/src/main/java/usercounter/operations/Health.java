package usercounter.operations;

import io.prometheus.metrics.core.metrics.Gauge;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;
import usercounter.redis.RedisConnection;

/**
 * {@code /health/started}, {@code /health/live} and {@code /health/ready}.
 *
 * @see <a href="https://download.eclipse.org/microprofile/microprofile-health-4.0/microprofile-health-spec-4.0.html">
 *     MicroProfile Health 4.0</a>
 */
@ApplicationScoped
public class Health {

    /** Tells Prometheus why the backends have no requests: nginx sends none to a backend that is not ready. */
    private static final Gauge READY = Gauge.builder()
            .name("user_counter_ready")
            .help("1 if the last readiness check succeeded, 0 if not")
            .register();

    @Inject
    RedisConnection redis;

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
        return () ->
                HealthCheckResponse.named("application").status(redis.isAlive()).build();
    }

    /** Up if Redis serves and this process is not shutting down. */
    @Produces
    @Readiness
    HealthCheck ready() {
        return () -> {
            boolean ready = !draining.hasBegun()
                    && redis.isReady().toCompletableFuture().join();
            READY.set(ready ? 1 : 0);
            return HealthCheckResponse.named("redis").status(ready).build();
        };
    }
}
