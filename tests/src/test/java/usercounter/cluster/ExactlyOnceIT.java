package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
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
    @Tag("nodes")
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
    @Tag("nodes")
    void aNodesKubeletAndContainerRuntimeAreKilled() {
        String node = Cluster.pods("redis").get(0).getSpec().getNodeName();
        ExactlyOnce.during("SIGKILL of kubelet and container runtime of Redis's node", () -> {
            Cluster.ssh(node, "sudo systemctl kill --signal=KILL kubelet containerd");
            Cluster.awaitNodes();
        });
    }

    @Test
    @Tag("nodes")
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

    /** For the pods of this namespace, until the backends have replaced all their connections to Redis. */
    @Test
    void theDnsDoesNotAnswer() {
        String allowed = Cluster.kubectl("get", "networkpolicy", "dns", "--output=jsonpath={.spec.egress}");
        ExactlyOnce.during("DNS away", () -> {
            try {
                setEgressToDns("[]");
                long then = System.nanoTime();
                Cluster.await("a new connection of each backend to Redis", Duration.ofMinutes(2), () -> {
                    long away = Duration.ofNanos(System.nanoTime() - then).toSeconds();
                    Map<String, Long> ages = agesOfNewestConnections();
                    return ages.size() == 2 && ages.values().stream().allMatch(age -> age < away);
                });
                assertThat(Cluster.pods("backend")).allMatch(Cluster::isReady);
            } finally {
                setEgressToDns(allowed);
            }
        });
    }

    /** In seconds, by the backend's address. */
    private static Map<String, Long> agesOfNewestConnections() {
        return Pattern.compile(" addr=(\\S+):\\d+ .* age=(\\d+) .* user=backend ")
                .matcher(Cluster.redisCli("client list"))
                .results()
                .collect(Collectors.toMap(
                        connection -> connection.group(1), connection -> Long.valueOf(connection.group(2)), Math::min));
    }

    private static void setEgressToDns(String rules) {
        Cluster.kubectl(
                "patch", "networkpolicy", "dns", "--type=merge", "--patch={\"spec\":{\"egress\":%s}}".formatted(rules));
    }

    /** With a full disk, Redis exits at every write until there is room again. */
    @Test
    void theDiskOfRedisIsFull() {
        Counts counts = new Counts();
        try {
            SmallDisk.use();
            ExactlyOnce.during("Redis's disk full, and room again", () -> {
                SmallDisk.fill();
                Cluster.await(
                        "exit of Redis because of the full disk",
                        Duration.ofMinutes(1),
                        () -> Cluster.tryKubectl("logs", "redis-0", "--container=redis", "--previous")
                                .output()
                                .contains("Can't recover from AOF write error"));
                assertThat(Http.post(Cluster.url(Resource.newPath())).statusCode())
                        .isEqualTo(503);
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
