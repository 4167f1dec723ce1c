package usercounter.operations;

import io.prometheus.metrics.core.metrics.Info;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Startup;
import java.util.Map;

/** Metrics of the process: which build it runs, and what it takes. */
@ApplicationScoped
public class ProcessMetrics {

    void register(@Observes Startup event) {
        JvmMetrics.builder().register();
        Map<String, String> image = System.getenv(); // see Containerfile
        Info.builder()
                .name("user_counter_build_info")
                .help("The version of the image and its Git commit")
                .labelNames("version", "revision")
                .register()
                .setLabelValues(image.getOrDefault("VERSION", "dev"), image.getOrDefault("REVISION", "unknown"));
    }
}
