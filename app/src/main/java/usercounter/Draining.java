package usercounter;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.ext.Provider;

/**
 * From SIGTERM on the service is not ready, and every answer closes its connection: Liberty takes no new ones then,
 * finishes the requests in flight, and ends as soon as the clients are gone.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.6">RFC 9112, 9.6 Tear-down</a>
 */
@Provider
@ApplicationScoped
public class Draining implements ContainerResponseFilter {

    private final Thread hook = new Thread(this::begin, "draining");
    private volatile boolean begun;

    void listen(@Observes Startup event) {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void begin() {
        begun = true;
    }

    /** Whether the process is about to end. */
    public boolean hasBegun() {
        return begun;
    }

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (begun) {
            response.getHeaders().putSingle("Connection", "close");
        }
    }

    @PreDestroy
    void forget() {
        if (!begun) { // the application alone is replaced, as in 'liberty:dev'
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }
}
