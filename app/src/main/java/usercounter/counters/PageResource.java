package usercounter.counters;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import usercounter.api.StaticFile;

/** {@code /}: the page for people, the same files as those of nginx (base/frontend/page). */
@Path("/")
@ApplicationScoped
public class PageResource {

    @GET
    public Response page() {
        return StaticFile.answer("/page/index.html", MediaType.TEXT_HTML);
    }

    @GET
    @Path("page.css")
    public Response style() {
        return StaticFile.answer("/page/page.css", StaticFile.CSS);
    }

    @GET
    @Path("page.js")
    public Response script() {
        return StaticFile.answer("/page/page.js", StaticFile.JAVASCRIPT);
    }
}
