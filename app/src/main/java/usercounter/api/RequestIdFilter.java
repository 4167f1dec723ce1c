package usercounter.api;

import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.PreMatching;
import jakarta.ws.rs.ext.Provider;
import usercounter.LogFields;

/** Log lines of a request have the id that nginx has given it. */
@Provider
@PreMatching
public class RequestIdFilter implements ContainerRequestFilter {

    @Override
    public void filter(ContainerRequestContext request) {
        LogFields.arrived(request.getHeaderString("X-Request-ID"));
    }
}
