package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.cluster.ExactlyOnce.Tally;

/** One thing after another breaks, and every acknowledged increment is counted exactly once. */
@Order(3)
@ExtendWith(Deployed.class)
class ExactlyOnceIT {

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
    }

    @ParameterizedTest
    @ValueSource(strings = {"backend", "frontend", "redis"})
    void aContainerIsKilled(String name) {
        ExactlyOnce.during("SIGKILL of a container of " + name, () -> {
            Cluster.killContainer(Cluster.pods(name).get(0));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"deployment/backend", "deployment/frontend", "statefulset/redis"})
    void aRollingUpdate(String workload) {
        ExactlyOnce.during("rolling update of " + workload.replaceFirst(".*/", ""), () -> {
            Cluster.kubectl("rollout", "restart", workload);
            Cluster.kubectl("rollout", "status", workload, "--timeout=5m");
        });
    }

    @Test
    void everyPodIsDeletedAtOnce() {
        ExactlyOnce.during("every pod deleted at once", () -> {
            Cluster.kubectl("delete", "pods", "--all", "--force", "--grace-period=0");
            Cluster.awaitRollouts();
        });
    }

    /** With Redis: wherever its disk can be used on that node only, it waits for the node's return. */
    @Test
    void aNodeIsDrained() {
        String node = Cluster.pods("redis").get(0).getSpec().getNodeName();
        ExactlyOnce.during("drain of Redis's node", () -> {
            try {
                Cluster.kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=5m");
            } finally {
                Cluster.kubectl("uncordon", node);
            }
            Cluster.awaitRollouts();
        });
    }

    @Test
    void aNodesKubeletAndContainerRuntimeAreKilled() {
        String node = Cluster.pods("redis").get(0).getSpec().getNodeName();
        ExactlyOnce.during("SIGKILL of kubelet and container runtime of Redis's node", () -> {
            Cluster.ssh(node, "sudo systemctl kill --signal=KILL kubelet containerd");
            Cluster.awaitNodes();
        });
    }

    @Test
    void aNodeIsCutOffAndComesBack() {
        String node = nodeWithoutRedis();
        ExactlyOnce.during("a node without Redis cut off until it is given up, and back", () -> {
            Shell.run("minikube", "node", "stop", node);
            Cluster.await(
                    "that the node is given up",
                    Duration.ofMinutes(3),
                    () -> Cluster.nodes().stream().anyMatch(Predicate.not(Cluster::isReady)));
            Shell.run("minikube", "node", "start", node);
            Cluster.awaitNodes();
            Cluster.awaitRollouts();
        });
    }

    private static String nodeWithoutRedis() {
        String redis = Cluster.pods("redis").get(0).getSpec().getNodeName();
        Stream<String> others = Cluster.nodes().stream()
                .map(node -> node.getMetadata().getName())
                .filter(Predicate.not(redis::equals));
        Cluster.assumeSecondNode();
        return others.findFirst().orElseThrow();
    }

    /** A full disk ends Redis at every write, until there is room again. */
    @Test
    void theDiskOfRedisIsFull() {
        Counts counts = new Counts();
        Cluster.kubectl("patch", "statefulset/redis", "--patch-file=tests/src/test/resources/small-disk.yaml");
        try {
            Cluster.awaitRollouts();
            ExactlyOnce.during("Redis's disk full, and room again", () -> {
                onRedissDisk("dd if=/dev/zero of=/data/filling bs=64k || true");
                Cluster.await(
                        "the end of a Redis that finds no room",
                        Duration.ofMinutes(1),
                        () -> Cluster.tryKubectl("logs", "redis-0", "--container=redis", "--previous")
                                .output()
                                .contains("Can't recover from AOF write error"));
                assertThat(Http.post(Cluster.url("/users/a")).statusCode()).isEqualTo(503);
                onRedissDisk("rm /data/filling");
                Cluster.awaitRollouts();
            });
        } finally {
            Cluster.kubectl("rollout", "undo", "statefulset/redis");
            Cluster.awaitRollouts();
        }
        counts.assertKept();
    }

    private static void onRedissDisk(String command) {
        Cluster.kubectl("exec", "redis-0", "--container=disk", "--", "sh", "-c", command);
    }

    /** The checker finds what it is there to find: increments that Redis acknowledged, but did not keep. */
    @Test
    void lossesAreFoundWithoutTheAppendOnlyFile() {
        Tally tally = ExactlyOnce.tally(Http::postWithKey, 0, () -> {
            Cluster.redisCli("config set appendonly no");
            Cluster.killContainer(Cluster.pods("redis").get(0));
            Cluster.awaitRollouts();
        });

        assertThat(tally.lost()).as(tally.toString()).isPositive();
    }

    /** And increments that are counted twice, since the client repeats what it got no answer to, but under another key. */
    @Test
    void doubleCountsAreFoundWithoutTheKey() {
        AtomicInteger requests = new AtomicInteger();
        Tally tally = ExactlyOnce.tally(
                (url, key) -> losingAnswers(requests, url, UUID.randomUUID().toString()), 500, () -> {});

        assertThat(tally.doubled()).as(tally.toString()).isEqualTo(tally.repeats());
    }

    @Test
    void noDoubleCountIsFoundWithTheKey() {
        AtomicInteger requests = new AtomicInteger();
        Tally tally = ExactlyOnce.tally((url, key) -> losingAnswers(requests, url, key), 500, () -> {});

        assertThat(tally.repeats()).isPositive();
        assertThat(tally.doubled()).as(tally.toString()).isZero();
    }

    /** Loses every tenth answer on its way back. */
    private static HttpResponse<String> losingAnswers(AtomicInteger requests, String url, String key) {
        HttpResponse<String> answer = Http.postWithKey(url, key);
        if (requests.incrementAndGet() % 10 == 0) {
            throw new UncheckedIOException(new IOException("The answer is lost"));
        }
        return answer;
    }
}
