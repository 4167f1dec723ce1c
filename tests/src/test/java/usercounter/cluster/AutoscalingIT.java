package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** {@code components/autoscaling} with a real metrics API: no request fails, and every increment counts exactly once. */
@Order(4)
@ExtendWith(Deployed.class)
class AutoscalingIT {

    private static final int REQUESTS = 5_000;

    @BeforeAll
    static void takeTheComponent() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(Shell.attempt("kubectl", "get", "apiservice", "v1beta1.metrics.k8s.io")
                            .exitCode())
                    .as("exit code of 'kubectl get apiservice v1beta1.metrics.k8s.io'")
                    .isZero();
        }
        Load.during("start of autoscaling", 0, () -> {
            Documentation.run("components/autoscaling/README.md", "Use");
            awaitPods(2);
        });
    }

    @AfterAll
    static void takeItBack() {
        Documentation.run("components/autoscaling/README.md", "Go back");
        Cluster.awaitRollouts();
        Cluster.awaitTermination();
    }

    @Test
    void theNumberOfBackendsFollowsTheLoad() {
        // Otherwise the way down takes five minutes and more.
        Cluster.kubectl(
                "patch",
                "horizontalpodautoscaler/backend",
                "--patch={\"spec\":{\"behavior\":{\"scaleDown\":{\"stabilizationWindowSeconds\":5,"
                        + "\"policies\":[{\"type\":\"Pods\",\"value\":10,\"periodSeconds\":15}]}}}}");
        Load.during("growth with the load", REQUESTS, () -> {
            ExactlyOnce.during("growth with the load", () -> {
                long start = System.nanoTime();
                Cluster.await("a third backend", Duration.ofMinutes(3), () -> backends() > 2);
                Cluster.awaitRollouts();
                Load.measured(
                        "a third backend is ready",
                        Duration.ofNanos(System.nanoTime() - start).toSeconds() + " s after the start of the load");
            });
        });
        assertThat(Cluster.kubectl("get", "deployment/backend", "--output=jsonpath={.spec.replicas}"))
                .as("replicas")
                .isNotEqualTo("1");
        awaitPods(2);
    }

    private static int backends() {
        return (int) Cluster.pods("backend").stream().filter(Cluster::isReady).count();
    }

    private static void awaitPods(int number) {
        Cluster.await(
                number + " backends",
                Duration.ofMinutes(3),
                () -> backends() == number
                        && Cluster.pods("frontend").stream()
                                        .filter(Cluster::isReady)
                                        .count()
                                == number);
    }
}
