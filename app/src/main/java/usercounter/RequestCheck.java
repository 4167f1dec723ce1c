package usercounter;

import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.ext.Provider;

/** Refuses what Jakarta REST would overlook, so that a path means one resource and bad input gets an error. */
@Provider
@PreMatching
public class RequestCheck implements ContainerRequestFilter {

    @Override
    public void filter(ContainerRequestContext request) {
        String path = request.getUriInfo().getPath(false);
        if (path.indexOf(';') >= 0) { // matrix parameters, which matching ignores
            throw new BadRequestException("A path has no ';' here");
        }
        if (path.length() > 1 && path.endsWith("/")) { // also ignored
            throw new NotFoundException();
        }
        for (MediaType type : request.getAcceptableMediaTypes()) {
            if (!isQuality(type.getParameters().getOrDefault("q", "1"))) {
                throw new BadRequestException("In Accept, q is a number from 0 to 1");
            }
        }
    }

    private static boolean isQuality(String text) {
        return text.matches("0(\\.\\d{0,3})?|1(\\.0{0,3})?"); // RFC 9110, 12.4.2
    }
}
