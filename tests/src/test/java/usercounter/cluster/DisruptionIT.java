package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
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
        // Not Redis's: it has one pod, whose move is a pause and no drain without one (restartOfRedis below).
        Set<String> candidates = nodesOf("backend");
        candidates.addAll(nodesOf("frontend"));
        candidates.removeAll(nodesOf("redis"));
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(Cluster.nodes()).as("a second node to drain").hasSizeGreaterThan(1);
        }
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

    @Test
    void restartOfRedisKeepsTheCounts() {
        Map<String, String> acknowledged = count();

        restart("statefulset/redis");
        awaitAnswers();

        assertThat(counts(acknowledged)).isEqualTo(acknowledged);
    }

    @Test
    void everyPodDeletedAtOnceKeepsTheCounts() {
        Map<String, String> acknowledged = count();

        Cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0");
        Cluster.awaitRollouts();
        awaitAnswers();

        assertThat(counts(acknowledged)).isEqualTo(acknowledged);
    }

    /** As base/redis/secret.yaml says. */
    @Test
    void rotationOfRedissPasswordKeepsTheCounts() {
        Map<String, String> acknowledged = count();
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
        awaitAnswers();

        assertThat(token()).isNotEqualTo(token);
        assertThat(counts(acknowledged)).isEqualTo(acknowledged);
    }

    private static String token() {
        return Cluster.kubectl("get", "secret", "redis-password", "-o", "jsonpath={.data.token}");
    }

    @Test
    void withoutRedisTheServiceSaysSoAndRecoversByItself() {
        Map<String, String> acknowledged = count();
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
        awaitAnswers();

        // From the backend, or from nginx when no backend is there to say it.
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(health.statusCode()).isIn(200, 503);
        assertThat(restarts()).as("restarts of backends").isEqualTo(restarts);
        assertThat(counts(acknowledged)).isEqualTo(acknowledged);
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

    private static void awaitAnswers() {
        Cluster.await(
                "an answer",
                Duration.ofMinutes(2),
                () -> Http.get(Cluster.url("/users/a")).statusCode() == 200);
    }

    /** Counts some new users, once or twice each, and returns what was acknowledged. */
    private static Map<String, String> count() {
        String url = Cluster.url("/users/kept-" + UUID.randomUUID() + "-");
        Map<String, String> acknowledged = new TreeMap<>();
        for (int i = 0; i < 30; i++) {
            acknowledged.put(url + i % 20, Http.post(url + i % 20).body());
        }
        assertThat(acknowledged.values()).as("numbers before").containsOnly("1", "2");
        return acknowledged;
    }

    /** What the service says of them now. It only reads: a user whose count was lost must not get a new one. */
    private static Map<String, String> counts(Map<String, String> users) {
        Map<String, String> counts = new TreeMap<>();
        users.keySet().forEach(user -> counts.put(user, Http.get(user).body()));
        return counts;
    }
}
