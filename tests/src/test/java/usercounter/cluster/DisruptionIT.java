package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
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
        // Not Redis's: it has one pod, whose move is a pause (ExactlyOnceIT).
        Set<String> candidates = nodesOf("backend");
        candidates.addAll(nodesOf("frontend"));
        candidates.removeAll(nodesOf("redis"));
        Cluster.assumeSecondNode();
        assertThat(candidates).as("nodes with pods other than Redis's").isNotEmpty();
        String node = candidates.iterator().next();
        try {
            Load.during("drain of a node", REQUESTS, () -> {
                Cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m");
                Cluster.awaitRollouts();
            });
        } finally {
            Cluster.kubectl("uncordon", node);
        }
    }

    /** As base/redis/secret.yaml says. */
    @Test
    void rotationOfRedissPasswordKeepsTheCounts() {
        Counts counts = new Counts();
        String token = token();

        Cluster.kubectl("delete", "serviceaccount", "redis");
        Cluster.await(
                "the end of the old password",
                Duration.ofMinutes(1),
                () -> Cluster.tryKubectl("get", "secret", "redis-password").exitCode() != 0);
        Shell.run("kubectl", "apply", "-k", "tests/overlays/minikube");
        Cluster.await("a new password", Duration.ofMinutes(1), () -> !token().isEmpty());
        restart("statefulset/redis");
        restart("deployment/backend");

        assertThat(token()).isNotEqualTo(token);
        counts.assertKept();
    }

    private static String token() {
        return Cluster.kubectl("get", "secret", "redis-password", "-o", "jsonpath={.data.token}");
    }

    @Test
    void withoutRedisTheServiceSaysSoAndRecoversByItself() {
        Counts counts = new Counts();
        Map<String, Integer> restarts = restarts();
        HttpResponse<String> answer;
        HttpResponse<String> health;

        try {
            Cluster.kubectl("scale", "statefulset/redis", "--replicas=0");
            Cluster.await(
                    "backends that are not ready",
                    Duration.ofMinutes(2),
                    () -> Cluster.pods("backend").stream().noneMatch(Cluster::isReady));
            answer = Http.post(Cluster.url("/users/a"));
            health = Http.get(Cluster.url("/healthz"));
        } finally {
            Cluster.kubectl("scale", "statefulset/redis", "--replicas=1");
            Cluster.awaitRollouts();
        }
        counts.assertKept();

        // From the backend, or from nginx when no backend is there to say it.
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(health.statusCode()).isIn(200, 503);
        assertThat(restarts()).as("restarts of backends").isEqualTo(restarts);
    }

    private static void restart(String workload) {
        Cluster.kubectl("rollout", "restart", workload);
        Cluster.kubectl("rollout", "status", workload, "--timeout=5m");
    }

    private static Set<String> nodesOf(String name) {
        return Cluster.pods(name).stream()
                .map(pod -> pod.getSpec().getNodeName())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Map<String, Integer> restarts() {
        return Cluster.pods("backend").stream()
                .collect(Collectors.toMap(
                        pod -> pod.getMetadata().getName(),
                        pod -> pod.getStatus().getContainerStatuses().get(0).getRestartCount()));
    }
}
