package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

/** {@code /healthz}: whether the application can be reached. The answer does not depend on Redis. */
@Path("/healthz")
@Produces(MediaType.TEXT_PLAIN)
@ApplicationScoped
public class HealthzResource {

    @GET
    public PlainText check() {
        return () -> "✓";
    }
}
