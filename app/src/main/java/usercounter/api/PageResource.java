package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** {@code /}: the page for people, the same files as those of nginx (base/frontend/page). */
@Path("/")
@ApplicationScoped
public class PageResource {

    @GET
    @Operation(hidden = true)
    public Response page() throws IOException {
        return file("index.html", MediaType.TEXT_HTML);
    }

    @GET
    @Path("page.css")
    @Operation(hidden = true)
    public Response style() throws IOException {
        return file("page.css", "text/css");
    }

    @GET
    @Path("page.js")
    @Operation(hidden = true)
    public Response script() throws IOException {
        return file("page.js", "text/javascript");
    }

    private static Response file(String name, String type) throws IOException {
        try (InputStream file = PageResource.class.getResourceAsStream("/page/" + name)) {
            return Response.ok(file.readAllBytes(), type)
                    .header(HttpHeaders.CACHE_CONTROL, "no-cache")
                    .build();
        }
    }
}
