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
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Everyday operations on the running application: no request fails, and no acknowledged count is lost. */
@Order(2)
@ExtendWith(Deployed.class)
class DisruptionIT {

    private static final int REQUESTS = 5_000;

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
    }

    @ParameterizedTest
    @ValueSource(strings = {"backend", "frontend"})
    void aRollingUpdate(String name) {
        String what = "rolling update of " + name;
        Load.during(what, REQUESTS, () -> ExactlyOnce.during(what, () -> restart("deployment/" + name)));
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
    @Tag("nodes")
    void drainOfANode() {
        Cluster.assumeSecondNode();
        // Scaling down may have left every pod on Redis's node. A rollout spreads them again.
        restart("deployment/frontend");
        // Not the node of Redis: Redis has only one pod, so its move interrupts the service (see ExactlyOnceIT).
        Set<String> nodes = nodesOf("frontend");
        nodes.removeAll(nodesOf("redis"));
        assertThat(nodes).as("nodes with a frontend, but not with Redis").isNotEmpty();
        String node = nodes.iterator().next();
        try {
            Load.during("drain of a node", REQUESTS, () -> {
                Cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m");
                Cluster.awaitRollouts();
            });
        } finally {
            Cluster.kubectl("uncordon", node);
        }
    }

    /** From the generated password to the one of a team, with components/own-password, and to a new generated one. */
    @Test
    void anotherPasswordKeepsTheCounts() {
        Counts counts = new Counts();
        String generated = Cluster.redisToken();
        Cluster.kubectl("delete", "serviceaccount", "redis");
        Cluster.kubectl("wait", "--for=delete", "secret/redis-password", "--timeout=1m");

        Shell.run("kubectl", "apply", "-k", "tests/overlays/own-password");
        Cluster.deletePods("redis-0");
        Cluster.await(
                "a pod that says what is missing",
                Duration.ofMinutes(1),
                () -> Cluster.kubectl("describe", "pods", "redis-0")
                        .contains("The Secret 'redis-password' needs a key 'token'"));
        Documentation.run("components/own-password/README.md", "Use");
        Cluster.kubectl("rollout", "status", "statefulset/redis", "--timeout=5m");
        restart("deployment/backend");
        String own = Cluster.redisToken();
        counts.assertKept();

        Cluster.kubectl("delete", "secret", "redis-password");
        Passwords.rotate("minikube");
        assertThat(Cluster.redisToken())
                .isNotEqualTo(own)
                .isNotEqualTo(generated)
                .isNotEmpty();
        counts.assertKept();

        Cluster.deletePods("redis-0");
        Cluster.awaitRollouts();
        counts.assertKept();
    }

    @Test
    void withoutRedisTheServiceAnswers503AndRecovers() {
        Counts counts = new Counts();
        Map<String, Integer> restarts = restarts();
        HttpResponse<String> answer;
        HttpResponse<String> health;

        try {
            Cluster.kubectl("scale", "statefulset/redis", "--replicas=0");
            Cluster.await(
                    "all backends not ready",
                    Duration.ofMinutes(2),
                    () -> Cluster.pods("backend").stream().noneMatch(Cluster::isReady));
            answer = Http.post(Cluster.url(Resource.newPath()));
            health = Http.get(Cluster.url("/healthz"));
        } finally {
            Cluster.kubectl("scale", "statefulset/redis", "--replicas=1");
            Cluster.awaitRollouts();
        }
        counts.assertKept();

        // From the backend, or from nginx if no backend is ready.
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(health.statusCode()).isIn(200, 503);
        assertThat(restarts()).as("restarts of backends").isEqualTo(restarts);
    }

    /** And then as docs/operate.md says. */
    @Test
    void withFullMemoryRedisRefusesWritesAloneUntilItIsGivenMore() {
        String user = Cluster.url(Resource.newPath());
        String before =
                Cluster.redisCli("config get maxmemory").lines().toList().get(1);
        assertThat(Http.post(user).body()).isEqualTo("1");

        try {
            Cluster.redisCli("config set maxmemory 1");
            assertThat(Http.post(user).statusCode()).isEqualTo(503);
            assertThat(Http.get(user).body()).isEqualTo("1");
            Cluster.await(
                    "the reason in a backend's log",
                    Duration.ofSeconds(30),
                    () -> Cluster.kubectl("logs", "--selector=app.kubernetes.io/name=backend", "--tail=20")
                            .contains("OOM command not allowed"));

            assertThat(Documentation.run("docs/operate.md", "When Redis's memory is full"))
                    .contains("OK", "\"remote_addr\":\"");
            assertThat(Http.post(user).body()).isEqualTo("2");
        } finally {
            Cluster.redisCli("config set maxmemory " + before);
        }
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
