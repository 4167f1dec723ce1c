package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.kubernetes.client.openapi.models.V1Pod;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is done to a running application on any day: clients notice nothing, and no acknowledged count is lost. */
@Order(2)
@ExtendWith(Deployed.class)
class DisruptionIT {

    private static final int REQUESTS = 5_000;

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
    }

    @Test
    void rollingUpdateOfTheBackend() {
        Load.during("rolling update of backend", REQUESTS, () -> restart("deployment/backend"));
    }

    @Test
    void rollingUpdateOfTheFrontend() {
        Load.during("rolling update of frontend", REQUESTS, () -> restart("deployment/frontend"));
    }

    @Test
    void scalingToFiveAndBack() {
        Load.during("scaling to 5 and back to 2", REQUESTS, () -> {
            for (String replicas : List.of("5", "2")) {
                Cluster.kubectl("scale", "deployment/backend", "deployment/frontend", "--replicas=" + replicas);
                Cluster.awaitRollouts();
            }
        });
    }

    @Test
    void drainOfANode() {
        String redisNode = Cluster.pods("redis").get(0).getSpec().getNodeName();
        List<String> others = Cluster.nodes().stream()
                .map(node -> node.getMetadata().getName())
                .filter(node -> !node.equals(redisNode))
                .toList();
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(others).as("a second node to drain").isNotEmpty();
        }
        String node = others.get(0);
        assertThat(Cluster.pods("backend"))
                .anyMatch(pod -> node.equals(pod.getSpec().getNodeName()));
        try {
            Load.during("drain of a node", REQUESTS, () -> {
                Cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m");
                Cluster.awaitRollouts();
            });
        } finally {
            Cluster.kubectl("uncordon", node);
        }
    }

    @Test
    void restartOfRedisKeepsTheCounts() {
        Map<String, String> before = counts();

        restart("statefulset/redis");
        awaitAnswers();

        assertThat(counts()).isEqualTo(before);
    }

    @Test
    void everyPodDeletedAtOnceKeepsTheCounts() {
        Map<String, String> before = counts();

        Cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0");
        Cluster.awaitRollouts();
        awaitAnswers();

        assertThat(counts()).isEqualTo(before);
    }

    /** As base/redis/secret.yaml says. */
    @Test
    void rotationOfRedissPasswordKeepsTheCounts() {
        Map<String, String> before = counts();
        String token = token();

        Cluster.kubectl("delete", "serviceaccount", "redis");
        Cluster.await(
                "the end of the old password",
                Duration.ofMinutes(1),
                () -> Cluster.tryKubectl("get", "secret", "redis-password").exitCode() != 0);
        Shell.run("kubectl", "apply", "-k", "overlays/minikube");
        Cluster.await("a new password", Duration.ofMinutes(1), () -> !token().isEmpty());
        restart("statefulset/redis");
        restart("deployment/backend");
        awaitAnswers();

        assertThat(token()).isNotEqualTo(token);
        assertThat(counts()).isEqualTo(before);
    }

    private static String token() {
        return Cluster.kubectl("get", "secret", "redis-password", "-o", "jsonpath={.data.token}");
    }

    @Test
    void withoutRedisTheServiceSaysSoAndRecoversByItself() {
        Map<String, String> before = counts();
        List<String> pods = names(Cluster.pods("backend"));

        Cluster.kubectl("scale", "statefulset/redis", "--replicas=0");
        Cluster.await(
                "backends that are not ready",
                Duration.ofMinutes(2),
                () -> Cluster.pods("backend").stream().noneMatch(Cluster::isReady));
        HttpResponse<String> answer = Http.post(Cluster.url("/users/a"));
        Cluster.kubectl("scale", "statefulset/redis", "--replicas=1");
        Cluster.awaitRollouts();
        awaitAnswers();

        // The backend says 503, and so does nginx when it finds none; 504 when policies drop what leads nowhere.
        assertThat(answer.statusCode()).isIn(503, 504);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(names(Cluster.pods("backend"))).isEqualTo(pods);
        assertThat(Cluster.pods("backend"))
                .allMatch(pod -> pod.getStatus().getContainerStatuses().get(0).getRestartCount() == 0);
        assertThat(counts()).isEqualTo(before);
    }

    private static void restart(String workload) {
        Cluster.kubectl("rollout", "restart", workload);
        Cluster.kubectl("rollout", "status", workload, "--timeout=5m");
    }

    private static List<String> names(List<V1Pod> pods) {
        return pods.stream().map(pod -> pod.getMetadata().getName()).sorted().toList();
    }

    private static void awaitAnswers() {
        Cluster.await(
                "an answer",
                Duration.ofMinutes(2),
                () -> Http.get(Cluster.url("/users/a")).statusCode() == 200);
    }

    /** The numbers of some users; each has one. */
    private static Map<String, String> counts() {
        Map<String, String> counts = new TreeMap<>();
        for (int i = 0; i < 20; i++) {
            String user = Cluster.url("/users/kept-" + i);
            String number = Http.get(user).body();
            counts.put(user, number.equals("0") ? Http.post(user).body() : number);
        }
        return counts;
    }
}
