package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** overlays/gke where its storage class and zones exist, with the local image; and before it, the README's clean-up. */
@Order(4)
@ExtendWith(Deployed.class)
class GkeOverlayIT {

    private static final String ZONE = "topology.kubernetes.io/zone";

    private static boolean applied;

    /** Else the README's commands would meet the other overlay's claim, whose class cannot be changed. */
    @AfterAll
    static void leaveNothing() {
        if (applied) {
            Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE);
        }
    }

    @Test
    void isUpAndAnswers() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(Shell.attempt("kubectl", "get", "storageclass", "premium-rwo")
                            .exitCode())
                    .as("the storage class premium-rwo")
                    .isZero();
            assumeThat(Cluster.nodes())
                    .as("nodes in zones")
                    .allMatch(node -> node.getMetadata().getLabels().containsKey(ZONE));
        }
        Readme.run("Clean up");
        assertThat(Cluster.tryKubectl("get", "namespace", Cluster.NAMESPACE).output())
                .contains("NotFound");

        Shell.run("kubectl", "apply", "-k", "tests/overlays/gke");
        applied = true;
        Cluster.awaitRollouts();
        Cluster.await(
                "an address", Duration.ofMinutes(2), () -> !Cluster.url("").equals("http://"));

        Map<String, String> zones = Cluster.nodes().stream()
                .collect(Collectors.toMap(
                        node -> node.getMetadata().getName(),
                        node -> node.getMetadata().getLabels().get(ZONE)));
        assertThat(Http.post(Cluster.url("/users/249")).body()).isEqualTo("1");
        assertThat(Cluster.kubectl(
                        "get",
                        "persistentvolumeclaim",
                        "redis-data",
                        "-o",
                        "jsonpath={.spec.storageClassName} {.status.phase}"))
                .isEqualTo("premium-rwo Bound");
        for (String name : new String[] {"frontend", "backend"}) {
            assertThat(Cluster.pods(name)).hasSize(3).allMatch(Cluster::isReady);
            assertThat(Cluster.pods(name).stream()
                            .map(pod -> zones.get(pod.getSpec().getNodeName()))
                            .collect(Collectors.toSet()))
                    .as("zones of " + name)
                    .hasSize(Math.min(3, Set.copyOf(zones.values()).size()));
        }
        assertTheDiskGrows();
    }

    /** Here, since minikube's own storage class does not let claims grow, and none lets them shrink again. */
    private static void assertTheDiskGrows() {
        Cluster.kubectl(
                "patch",
                "persistentvolumeclaim",
                "redis-data",
                "--patch={\"spec\":{\"resources\":{\"requests\":{\"storage\":\"11Gi\"}}}}");

        assertThat(Cluster.kubectl(
                        "get",
                        "persistentvolumeclaim",
                        "redis-data",
                        "-o",
                        "jsonpath={.spec.resources.requests.storage}"))
                .isEqualTo("11Gi");
    }
}
