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

/** Every acknowledged increment is counted exactly once, despite all these faults and rolling updates. */
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

    /** DisruptionIT has the rolling updates of the other pods. */
    @Test
    void aRollingUpdateOfRedis() {
        ExactlyOnce.during("rolling update of redis", () -> {
            Cluster.kubectl("rollout", "restart", "statefulset/redis");
            Cluster.kubectl("rollout", "status", "statefulset/redis", "--timeout=5m");
        });
    }

    @Test
    void everyPodIsDeletedAtOnce() {
        ExactlyOnce.during("every pod deleted at once", () -> {
            Cluster.deletePods("--all", "--force", "--grace-period=0");
            Cluster.awaitRollouts();
        });
    }

    /** The node of Redis. If the volume of Redis is bound to the node, Redis waits until the node is back. */
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
                    "a node that is not Ready",
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

    /** With a full disk, Redis exits at every write until there is room again. */
    @Test
    void theDiskOfRedisIsFull() {
        Counts counts = new Counts();
        Cluster.kubectl("patch", "statefulset/redis", "--patch=" + SmallDisk.patch());
        try {
            Cluster.awaitRollouts();
            ExactlyOnce.during("Redis's disk full, and room again", () -> {
                SmallDisk.fill();
                Cluster.await(
                        "exit of Redis because of the full disk",
                        Duration.ofMinutes(1),
                        () -> Cluster.tryKubectl("logs", "redis-0", "--container=redis", "--previous")
                                .output()
                                .contains("Can't recover from AOF write error"));
                assertThat(Http.post(Cluster.url("/users/a")).statusCode()).isEqualTo(503);
                SmallDisk.free();
                Cluster.awaitRollouts();
            });
        } finally {
            Cluster.kubectl("rollout", "undo", "statefulset/redis");
            Cluster.awaitRollouts();
        }
        counts.assertKept();
    }

    /** Proves the checker: it finds increments that Redis acknowledged and lost. */
    @Test
    void lossesAreFoundWithoutTheAppendOnlyFile() {
        Tally tally = ExactlyOnce.tally(Http::postWithKey, 0, () -> {
            Cluster.redisCli("config set appendonly no");
            Cluster.killContainer(Cluster.pods("redis").get(0));
            Cluster.awaitRollouts();
        });

        assertThat(tally.lost()).as(tally.toString()).isPositive();
    }

    /** Proves the checker: it finds double counts of a client that repeats requests without their keys. */
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

    /** A client that loses every tenth answer. */
    private static HttpResponse<String> losingAnswers(AtomicInteger requests, String url, String key) {
        HttpResponse<String> answer = Http.postWithKey(url, key);
        if (requests.incrementAndGet() % 10 == 0) {
            throw new UncheckedIOException(new IOException("The test dropped this answer"));
        }
        return answer;
    }
}
