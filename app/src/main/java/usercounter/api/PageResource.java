package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** {@code /}: the page for people, the same files as those of nginx (base/frontend/page). */
@Path("/")
@ApplicationScoped
public class PageResource {

    @GET
    @Operation(hidden = true)
    public Response page() {
        return file("index.html", MediaType.TEXT_HTML);
    }

    @GET
    @Path("page.css")
    @Operation(hidden = true)
    public Response style() {
        return file("page.css", "text/css");
    }

    @GET
    @Path("page.js")
    @Operation(hidden = true)
    public Response script() {
        return file("page.js", "text/javascript");
    }

    private static Response file(String name, String type) {
        return Response.ok(PageResource.class.getResourceAsStream("/page/" + name), type)
                .header(HttpHeaders.CACHE_CONTROL, "no-cache")
                .build();
    }
}
