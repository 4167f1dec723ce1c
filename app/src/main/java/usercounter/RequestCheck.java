package usercounter;

import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.ext.Provider;
import java.util.regex.Pattern;

/** Refuses what Jakarta REST would overlook, so that a path means one resource and bad input gets an error. */
@Provider
@PreMatching
public class RequestCheck implements ContainerRequestFilter {

    /** RFC 9110, 12.4.2. */
    private static final Pattern QUALITY = Pattern.compile("0(\\.\\d{0,3})?|1(\\.0{0,3})?");

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
            if (!QUALITY.matcher(type.getParameters().getOrDefault("q", "1")).matches()) {
                throw new BadRequestException("In Accept, q is a number from 0 to 1");
            }
        }
    }
}
