package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.time.Duration;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** overlays/gke where its storage class and zones exist, with the local image; and before it, the README's clean-up. */
@Order(4)
@ExtendWith(Deployed.class)
class GkeOverlayIT {

    @Test
    void isUpAndAnswers() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(Shell.attempt("kubectl", "get", "storageclass", "premium-rwo")
                            .exitCode())
                    .as("the storage class premium-rwo")
                    .isZero();
        }
        Readme.run("Clean up");
        assertThat(Cluster.tryKubectl("get", "namespace", Cluster.NAMESPACE).output())
                .contains("NotFound");

        Shell.run("kubectl", "apply", "-k", "tests/overlays/gke");
        Cluster.awaitRollouts();
        Cluster.await(
                "an address", Duration.ofMinutes(2), () -> !Cluster.url("").equals("http://"));

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
                            .map(pod -> pod.getSpec().getNodeName())
                            .collect(Collectors.toSet()))
                    .as("nodes of " + name)
                    .hasSizeGreaterThan(1);
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
