package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.webjars.WebJarVersionLocator;

/** {@code /docs} and {@code /openapi}: the reference of the API for people (Swagger UI) and for programs. */
@Path("/")
@ApplicationScoped
public class ReferenceResource {

    private static final WebJarVersionLocator WEB_JARS = new WebJarVersionLocator();

    /** As plain text, since a browser would not show {@code application/yaml}. */
    @GET
    @Path("openapi")
    public Response document() {
        return StaticFile.answer("/openapi.yaml", MediaType.TEXT_PLAIN + "; charset=UTF-8");
    }

    @GET
    @Path("docs")
    public Response page() {
        return StaticFile.answer("/docs/index.html", MediaType.TEXT_HTML);
    }

    @GET
    @Path("docs/start.js")
    public Response start() {
        return StaticFile.answer("/docs/start.js", StaticFile.JAVASCRIPT);
    }

    @GET
    @Path("docs/swagger-ui.css")
    public Response style() {
        return swaggerUi("swagger-ui.css", StaticFile.CSS);
    }

    @GET
    @Path("docs/swagger-ui-bundle.js")
    public Response script() {
        return swaggerUi("swagger-ui-bundle.js", StaticFile.JAVASCRIPT);
    }

    private static Response swaggerUi(String name, String type) {
        return StaticFile.answer("/" + WEB_JARS.fullPath("swagger-ui", name), type);
    }
}
