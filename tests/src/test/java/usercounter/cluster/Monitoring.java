package usercounter.cluster;

import io.kubernetes.client.openapi.Pair;
import jakarta.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The Prometheus and the Alertmanager of {@code monitoring.yaml}. */
final class Monitoring {

    /** The namespace of the Prometheus Operator. */
    static final String NAMESPACE = "monitoring";

    private Monitoring() {}

    /** What {@code components/monitoring} says of an alert. */
    record Alert(String namespace, String name, String severity) {}

    /** Whether the cluster has the Prometheus Operator. */
    static boolean isInstalled() {
        return Shell.attempt("kubectl", "--namespace=" + NAMESPACE, "get", "deployment/prometheus-operator")
                        .exitCode()
                == 0;
    }

    /** CI installs the operator last, and builds it before on a new machine. */
    static void awaitInstallation() {
        Cluster.await("the Prometheus Operator", Duration.ofMinutes(25), Monitoring::isInstalled);
    }

    static void install() {
        Cluster.kubectlIn(NAMESPACE, "apply", "--filename=tests/src/test/resources/monitoring.yaml");
        for (String pod : List.of("prometheus-user-counter-0", "alertmanager-user-counter-0")) {
            Cluster.await(
                    pod,
                    Duration.ofMinutes(2),
                    () -> Shell.attempt(
                                            "kubectl",
                                            "--namespace=" + NAMESPACE,
                                            "wait",
                                            "--for=condition=Ready",
                                            "--timeout=1s",
                                            "pod/" + pod)
                                    .exitCode()
                            == 0);
        }
    }

    static void uninstall() {
        Cluster.kubectlIn(NAMESPACE, "delete", "--filename=tests/src/test/resources/monitoring.yaml");
    }

    /**
     * The series that a query returns now, each with its {@code metric} (the labels) and {@code value}.
     *
     * @throws IllegalArgumentException if Prometheus does not accept the query
     * @see <a href="https://prometheus.io/docs/prometheus/latest/querying/api/">HTTP API</a>
     */
    static List<JsonObject> query(String expression) {
        return prometheus("/api/v1/query", new Pair("query", expression))
                .getJsonArray("result")
                .getValuesAs(JsonObject.class);
    }

    /** The value of a query that returns one series. */
    static double value(String expression) {
        List<JsonObject> series = query(expression);
        if (series.size() != 1) {
            throw new AssertionError("One series expected of " + expression + ", but there are " + series);
        }
        return Double.parseDouble(series.get(0).getJsonArray("value").getString(1));
    }

    /** The health of each target that Prometheus scrapes: {@code up}, {@code down} or {@code unknown}. */
    static List<String> health() {
        return prometheus("/api/v1/targets", new Pair("state", "active"))
                .getJsonArray("activeTargets")
                .getValuesAs(target -> target.asJsonObject().getString("health"));
    }

    /** The labels of the alerts that Alertmanager has now. */
    static Set<Alert> alerts() {
        return Cluster.get(NAMESPACE, "alertmanager-operated:9093", "/api/v2/alerts")
                .asJsonArray()
                .getValuesAs(JsonObject.class)
                .stream()
                .map(alert -> alert.getJsonObject("labels"))
                .map(labels -> new Alert(
                        labels.getString("namespace"), labels.getString("alertname"), labels.getString("severity")))
                .collect(Collectors.toSet());
    }

    /** All series of a namespace, with their labels, as text. */
    static String series(String namespace) {
        return Cluster.get(
                        NAMESPACE,
                        "prometheus-operated:9090",
                        "/api/v1/series",
                        new Pair("match[]", "{namespace=\"" + namespace + "\"}"))
                .toString();
    }

    private static JsonObject prometheus(String path, Pair parameter) {
        return Cluster.get(NAMESPACE, "prometheus-operated:9090", path, parameter)
                .asJsonObject()
                .getJsonObject("data");
    }
}
