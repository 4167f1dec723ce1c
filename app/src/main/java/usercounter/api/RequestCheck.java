package usercounter.api;

import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.ext.Provider;

/** Rejects variants of a path that Jakarta REST would accept, so that a resource has exactly one path. */
@Provider
@PreMatching
public class RequestCheck implements ContainerRequestFilter {

    @Override
    public void filter(ContainerRequestContext request) {
        String path = request.getUriInfo().getPath(false);
        if (path.indexOf(';') >= 0) { // Jakarta REST ignores matrix parameters
            throw new BadRequestException("The path contains ';', which no path may contain here: remove it");
        }
        if (path.length() > 1 && path.endsWith("/")) { // Jakarta REST ignores a trailing slash
            throw new NotFoundException();
        }
    }
}
