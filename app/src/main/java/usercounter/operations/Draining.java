package usercounter.operations;

import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;

/**
 * Knows whether the process has received SIGTERM. After SIGTERM, Liberty accepts no new connections, closes each open
 * connection with its next response, completes the requests in flight, and exits when no connection is left.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9112#section-9.6">RFC 9112, 9.6 Tear-down</a>
 */
@ApplicationScoped
public class Draining {

    private final Thread hook = new Thread(this::begin, "draining");
    private volatile boolean begun;

    void listen(@Observes Startup event) {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void begin() {
        begun = true;
    }

    /** Whether the process is shutting down. */
    public boolean hasBegun() {
        return begun;
    }

    @PreDestroy
    void forget() {
        if (!begun) { // only the application is replaced, as in 'liberty:dev'
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }
}
