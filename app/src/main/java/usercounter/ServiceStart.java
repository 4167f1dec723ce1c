package usercounter;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import jakarta.enterprise.inject.Instance;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.eclipse.microprofile.config.ConfigProvider;

/** Checks the settings when the service starts, and ends the process at once if one cannot be used. */
@ApplicationScoped
public class ServiceStart {

    /** Liberty's own level between INFO and WARNING, from which its console shows messages. */
    public static final Level AUDIT = Level.parse("AUDIT");

    /** A system property, since it outlives the application. */
    private static final String PORT_IS_OURS = "usercounter.port.is.ours";

    private static final Logger LOG = Logger.getLogger(ServiceStart.class.getName());

    @Produces
    @Singleton
    Settings settings() {
        return Settings.from(name -> ConfigProvider.getConfig().getOptionalValue(name, String.class));
    }

    void start(@Observes Startup event, Instance<Settings> settings, Instance<RedisConnection> redis) {
        try {
            requireFreePort(settings.get().port());
            LOG.log(AUDIT, "user-counter: http://localhost:{0}/users/249, numbers in {1}", new Object[] {
                Integer.toString(settings.get().port()), redis.get().address()
            });
        } catch (RuntimeException e) {
            InvalidSettingException invalid = invalidSetting(e);
            if (invalid != null) {
                LOG.severe(invalid.getMessage());
            } else {
                LOG.log(Level.SEVERE, "The service cannot start", e);
            }
            // Liberty would go on without the application; no exit(), which waits for this very thread.
            Runtime.getRuntime().halt(1);
        }
    }

    /** Liberty opens its port after this, and would go on without one that is taken. */
    private static void requireFreePort(int port) {
        if (System.setProperty(PORT_IS_OURS, "true") != null) {
            return; // this server has opened it: the application alone is replaced, as in 'liberty:dev'
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(port));
        } catch (IOException e) {
            throw new InvalidSettingException("PORT", Integer.toString(port), "something else listens on this port");
        }
    }

    /** The reason within what CDI wraps around it, or null. */
    private static InvalidSettingException invalidSetting(Throwable failure) {
        Throwable cause = failure;
        while (cause != null && !(cause instanceof InvalidSettingException)) {
            cause = cause.getCause();
        }
        return (InvalidSettingException) cause;
    }
}
