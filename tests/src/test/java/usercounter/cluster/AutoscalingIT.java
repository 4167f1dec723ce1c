package usercounter.cluster;

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
            Cluster.await(
                    "two pods of each, or more",
                    Duration.ofMinutes(3),
                    () -> ready("frontend") >= 2 && ready("backend") >= 2);
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
                Cluster.await("a third backend", Duration.ofMinutes(3), () -> ready("backend") > 2);
                Cluster.awaitRollouts();
                Load.measured(
                        "a third backend is ready",
                        Duration.ofNanos(System.nanoTime() - start).toSeconds() + " s after the start of the load");
            });
        });
        Cluster.await("two backends", Duration.ofMinutes(3), () -> ready("backend") == 2);
    }

    private static long ready(String name) {
        return Cluster.pods(name).stream().filter(Cluster::isReady).count();
    }
}
