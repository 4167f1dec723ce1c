package usercounter.operations;

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
import usercounter.LogLevel;
import usercounter.redis.RedisConnection;
import usercounter.settings.InvalidSettingException;
import usercounter.settings.Settings;

/** Checks the settings when the service starts, and ends the process at once if a setting is invalid. */
@ApplicationScoped
public class ServiceStart {

    /** A system property, since it is still set after the application was replaced. */
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
            LOG.log(LogLevel.AUDIT, "user-counter: http://localhost:{0}/, numbers in {1}", new Object[] {
                Integer.toString(settings.get().port()), redis.get().address()
            });
        } catch (RuntimeException e) {
            InvalidSettingException invalid = invalidSetting(e);
            if (invalid != null) {
                LOG.severe(invalid.getMessage());
            } else {
                LOG.log(Level.SEVERE, "The service cannot start", e);
            }
            // Otherwise Liberty would run on without the application. exit() would wait for this thread forever.
            Runtime.getRuntime().halt(1);
        }
    }

    /** Liberty opens its port later, and would run on without it if the port is in use. */
    private static void requireFreePort(int port) {
        if (System.setProperty(PORT_IS_OURS, "true") != null) {
            return; // this server has opened the port: only the application is replaced, as in 'liberty:dev'
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(port));
        } catch (IOException e) {
            throw new InvalidSettingException(
                    "PORT",
                    Integer.toString(port),
                    "another process listens on this port; stop it, or set PORT to another port");
        }
    }

    /** The InvalidSettingException among the causes of an exception of CDI, or null. */
    private static InvalidSettingException invalidSetting(Throwable failure) {
        Throwable cause = failure;
        while (cause != null && !(cause instanceof InvalidSettingException)) {
            cause = cause.getCause();
        }
        return (InvalidSettingException) cause;
    }
}
