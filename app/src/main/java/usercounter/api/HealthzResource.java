package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;

/** {@code /healthz}: whether the application can be reached. The answer does not depend on Redis. */
@Path("/healthz")
@Produces(MediaType.TEXT_PLAIN)
@ApplicationScoped
public class HealthzResource {

    @GET
    @Operation(operationId = "checkConnectivity", summary = "Test the connectivity to the application")
    @APIResponse(
            responseCode = "200",
            description = "The application can be reached; Redis is not asked",
            content =
                    @Content(
                            mediaType = MediaType.TEXT_PLAIN,
                            schema = @Schema(type = SchemaType.STRING, examples = "✓")))
    public PlainText check() {
        return () -> "✓";
    }
}
