package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.cluster.ExactlyOnce.Tally;

/**
 * {@code components/redis-cluster}: one thing after another breaks, every acknowledged increment is counted exactly once,
 * and the cluster heals by itself.
 */
@Order(3)
@ExtendWith(Deployed.class)
class RedisClusterIT {

    private static final int NODES = 6;
    private static final int FIRST_SLOT_OF_B = 5_461;
    private static final int FIRST_SLOT_OF_C = 10_923;
    private static final String EVERY_NODE = "--selector=app.kubernetes.io/name=redis";

    @BeforeAll
    static void takeTheComponent() {
        Readme.run("components/redis-cluster", "Redis Cluster", "");
        Cluster.awaitEnds();
        awaitHealth();
    }

    @AfterAll
    static void takeItBack() {
        Readme.run("components/redis-cluster", "Back to one Redis", "");
        Cluster.awaitRollouts();
        Cluster.awaitEnds();
        assertThat(Cluster.kubectl("get", "persistentvolumeclaims", "--output=name"))
                .as("claims")
                .isEqualTo("persistentvolumeclaim/redis-data");
    }

    @AfterEach
    void settle() {
        awaitHealth();
    }

    /** Until all pods are ready, and each node knows the six that are there, and may take over. */
    private static void awaitHealth() {
        Cluster.awaitRollouts();
        Cluster.await(
                "that every node knows every other one",
                Duration.ofMinutes(1),
                () -> nodes().map(node -> Cluster.redisCli(node, "cluster nodes"))
                        .allMatch(others -> lines(others) == NODES && !others.contains("fail")));
    }

    private static Stream<String> nodes() {
        return Stream.of("a", "b", "c").flatMap(RedisClusterIT::nodesOf);
    }

    private static Stream<String> nodesOf(String pair) {
        return IntStream.range(0, 2).mapToObj(ordinal -> "redis-cluster-" + pair + "-" + ordinal);
    }

    private static long lines(String text) {
        return text.lines().count();
    }

    private static String primaryOf(String pair) {
        return nodesOf(pair)
                .filter(node -> Cluster.redisCli(node, "role").startsWith("master"))
                .findFirst()
                .orElseThrow();
    }

    private static String replicaOf(String pair) {
        String primary = primaryOf(pair);
        return nodesOf(pair).filter(node -> !node.equals(primary)).findFirst().orElseThrow();
    }

    @Test
    void aPairIsOnTwoNodes() {
        Cluster.assumeSecondNode();
        for (String pair : List.of("a", "b", "c")) {
            assertThat(nodesOf(pair).map(RedisClusterIT::machineOf))
                    .as("nodes of pair " + pair)
                    .hasSize(2)
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void aPrimaryIsKilled() {
        during("SIGKILL of a primary", () -> {
            Cluster.killContainer(Cluster.pod(Cluster.NAMESPACE, primaryOf("a")));
        });
    }

    @Test
    void aPrimarysPodIsDeleted() {
        String primary = primaryOf("b");
        during("a primary's pod deleted", () -> {
            Cluster.kubectl("delete", "pod", primary);
            Cluster.awaitRollouts();
        });
        assertThat(primaryOf("b")).isNotEqualTo(primary);
    }

    @Test
    void aRollingUpdate() {
        during("rolling update", () -> {
            Cluster.kubectl("rollout", "restart", "statefulset", EVERY_NODE);
            Cluster.awaitRollouts();
        });
    }

    @Test
    void everyNodeIsDeletedAtOnce() {
        during("all six pods deleted at once", () -> {
            Cluster.kubectl("delete", "pods", EVERY_NODE, "--force", "--grace-period=0");
            Cluster.awaitRollouts();
        });
    }

    /** First the primary's, then that of the replica that took over: in the end no data is where it was. */
    @Test
    void bothDisksOfAPairAreLostOneAfterTheOther() {
        for (int i = 0; i < 2; i++) {
            String primary = primaryOf("a");
            during("a primary's disk lost", () -> {
                loseDisk(primary);
                Cluster.awaitRollouts();
            });
            awaitHealth();
            assertThat(primaryOf("a")).isNotEqualTo(primary);
        }
    }

    /**
     * Nobody makes anything up for the third of the users whose numbers are gone; a person lets them begin anew.
     *
     * @param followed whether both new nodes have become replicas of the lost primary, as others may tell them to
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bothDisksOfAPairAreLostAtOnce(boolean followed) {
        String url = Cluster.url("/users/");
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        String other = userOf(slot -> slot >= FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");
        assertThat(increment(url + other)).isEqualTo("1");

        Cluster.kubectl("delete", "pvc", "data-redis-cluster-a-0", "data-redis-cluster-a-1", "--wait=false");
        Cluster.kubectl("delete", "pod", "redis-cluster-a-0", "redis-cluster-a-1", "--force", "--grace-period=0");
        Cluster.await(
                "that two new nodes know the others",
                Duration.ofMinutes(2),
                () -> nodes().limit(2)
                        .allMatch(node ->
                                lines(Cluster.tryRedisCli(node, "cluster nodes").output()) >= NODES));
        Cluster.await(
                "an answer about the others",
                Duration.ofMinutes(1),
                () -> Http.get(url + other).statusCode() == 200);
        assertThat(increment(url + other)).isEqualTo("2");
        assertThat(Http.get(url + user).statusCode()).isEqualTo(503);
        if (followed) {
            followTheLostPrimaryOfA();
        }

        Readme.run("components/redis-cluster", "When both disks of a pair are lost", "");
        awaitHealth();
        assertThat(increment(url + user)).isEqualTo("1");
        assertThat(increment(url + other)).isEqualTo("3");
    }

    private static void followTheLostPrimaryOfA() {
        String lost = Cluster.redisCli("redis-cluster-b-0", "cluster nodes")
                .lines()
                .filter(node -> node.endsWith(" 0-" + (FIRST_SLOT_OF_B - 1)))
                .map(node -> node.replaceFirst(" .*", ""))
                .findFirst()
                .orElseThrow();
        nodesOf("a")
                .forEach(node -> Cluster.await(
                        "a replica of the lost primary",
                        Duration.ofMinutes(1),
                        () -> Cluster.tryRedisCli(node, "cluster replicate " + lost)
                                        .exitCode()
                                == 0));
    }

    @Test
    void noPairBeginsAnewWhileItHasItsData() {
        String url = Cluster.url("/users/");
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");

        assertThatThrownBy(() -> Readme.run("components/redis-cluster", "When both disks of a pair are lost", ""))
                .hasMessageContaining("has all of its data");

        assertThat(increment(url + user)).isEqualTo("2");
    }

    /** The one that is away has the only disk with the numbers: it comes back to them. */
    @Test
    void noPairBeginsAnewWhileOneOfItIsAway() {
        Cluster.assumeSecondNode();
        String url = Cluster.url("/users/");
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");
        String machine = machineOf("redis-cluster-a-1");
        try {
            scale("redis-cluster-a", 1);
            Cluster.awaitEnds();
            // Its place is kept: two of a pair are never on one machine.
            Shell.run("kubectl", "cordon", machine);
            loseDisk("redis-cluster-a-0");
            Cluster.await(
                    "that a new node knows those that are there",
                    Duration.ofMinutes(2),
                    () -> lines(Cluster.tryRedisCli("redis-cluster-a-0", "cluster nodes")
                                    .output())
                            >= NODES - 1);

            assertThatThrownBy(() -> Readme.run("components/redis-cluster", "When both disks of a pair are lost", ""))
                    .hasMessageContaining("does not answer");
        } finally {
            Shell.run("kubectl", "uncordon", machine);
            scale("redis-cluster-a", 2);
            awaitHealth();
        }

        assertThat(increment(url + user)).isEqualTo("2");
    }

    private static void loseDisk(String node) {
        String claim = claim(node);
        Cluster.kubectl("delete", "persistentvolumeclaim", "data-" + node, "--wait=false");
        Cluster.kubectl("delete", "pod", node, "--force", "--grace-period=0");
        Cluster.await(
                "another claim",
                Duration.ofMinutes(1),
                () -> !claim(node).isEmpty() && !claim(node).equals(claim));
    }

    private static String claim(String node) {
        return Cluster.kubectl(
                "get",
                "persistentvolumeclaim",
                "data-" + node,
                "--ignore-not-found",
                "--output=jsonpath={.metadata.uid}");
    }

    /** What is on one disk only is not acknowledged, and counted once when the other is back. */
    @Test
    void aReplicaIsAwayAndThenItsPrimary() {
        String url = Cluster.url("/users/");
        String key = UUID.randomUUID().toString();
        String user = userOf(slot -> slot >= FIRST_SLOT_OF_C);
        String other = userOf(slot -> slot < FIRST_SLOT_OF_C);
        assertThat(increment(url + user)).isEqualTo("1");
        try {
            scale("redis-cluster-c", 1);
            Cluster.awaitEnds();

            assertThat(Http.postWithKey(url + user, key).statusCode()).isEqualTo(503);
            assertThat(Http.postWithKey(url + user, key).statusCode()).isEqualTo(503);
            assertThat(Http.get(url + user).statusCode()).isEqualTo(200);
            assertThat(increment(url + other)).isEqualTo("1");

            scale("redis-cluster-c", 0);
            Cluster.awaitEnds();

            assertThat(Http.get(url + user).statusCode()).isEqualTo(503);
            assertThat(increment(url + other)).isEqualTo("2");
        } finally {
            scale("redis-cluster-c", 2);
            awaitHealth();
        }

        assertThat(increment(url + user, key)).isEqualTo("2");
        assertThat(Http.get(url + user).body()).isEqualTo("2");
    }

    /** The third alone is no majority: it answers nobody, and lets no replica take over. With a second one it does both. */
    @Test
    void twoPrimariesAreGoneAtOnce() {
        Cluster.assumeSecondNode();
        String url = Cluster.url("/users/");
        List<String> users = Stream.<IntPredicate>of(
                        slot -> slot < FIRST_SLOT_OF_B,
                        slot -> slot >= FIRST_SLOT_OF_B && slot < FIRST_SLOT_OF_C,
                        slot -> slot >= FIRST_SLOT_OF_C)
                .map(slot -> url + userOf(slot))
                .toList();
        assertThat(users).allSatisfy(user -> assertThat(increment(user)).isEqualTo("1"));
        String first = primaryOf("a");
        if (machineOf(first).equals(machineOf(primaryOf("b")))) {
            String other = replicaOf("b");
            Cluster.redisCli(other, "cluster failover");
            Cluster.await(
                    "the hand-over", Duration.ofMinutes(1), () -> primaryOf("b").equals(other));
        }
        String second = primaryOf("b");
        List<String> replicas = List.of(replicaOf("a"), replicaOf("b"));
        String machineOfFirst = machineOf(first);
        String machineOfSecond = machineOf(second);

        Shell.run("kubectl", "cordon", machineOfFirst, machineOfSecond);
        try {
            // As when their power fails: even a pod that is deleted by force may hand over first.
            replicas.forEach(replica -> Cluster.redisCli(replica, "acl setuser default '-cluster|failover'"));
            Cluster.kubectl("delete", "pod", first, second, "--force", "--grace-period=0");
            Cluster.await(
                    "no answer to anybody",
                    Duration.ofMinutes(1),
                    () -> users.stream().noneMatch(RedisClusterIT::isAnswered));
            // A take-over is over in seven seconds.
            Cluster.assertNever(
                    "an answer", Duration.ofSeconds(10), () -> users.stream().anyMatch(RedisClusterIT::isAnswered));

            Shell.run("kubectl", "uncordon", machineOfFirst);
            Cluster.await(
                    "an answer to everybody",
                    Duration.ofMinutes(2),
                    () -> users.stream().allMatch(RedisClusterIT::isAnswered));
        } finally {
            Shell.run("kubectl", "uncordon", machineOfFirst, machineOfSecond);
            replicas.forEach(replica -> Cluster.redisCli(replica, "acl setuser default '+cluster|failover'"));
            awaitHealth();
        }

        assertThat(primaryOf("b")).isNotEqualTo(second);
        assertThat(users).allSatisfy(user -> assertThat(increment(user)).isEqualTo("2"));
    }

    private static String machineOf(String pod) {
        return Cluster.pod(Cluster.NAMESPACE, pod).getSpec().getNodeName();
    }

    private static boolean isAnswered(String user) {
        return Http.get(user).statusCode() == 200;
    }

    /** As a client does it: with a key, again and again until it is acknowledged. */
    private static String increment(String user) {
        return increment(user, UUID.randomUUID().toString());
    }

    private static String increment(String user, String key) {
        return Http.untilAnswered(() -> Http.postWithKey(user, key));
    }

    private static String userOf(IntPredicate slot) {
        return Stream.generate(() -> "cluster-" + UUID.randomUUID())
                .filter(user -> slot.test(Integer.parseInt(
                        Cluster.redisCli("redis-cluster-a-0", "cluster keyslot 'user:{%s}'".formatted(user)))))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void theRotationOfThePasswordKeepsTheCounts() {
        Counts counts = new Counts();
        Cluster.kubectl("delete", "serviceaccount", "redis");
        Cluster.await(
                "the end of the old password",
                Duration.ofMinutes(1),
                () -> Cluster.tryKubectl("get", "secret", "redis-password").exitCode() != 0);
        Shell.run("kubectl", "apply", "-k", "tests/overlays/redis-cluster");
        Cluster.kubectl("delete", "pods", EVERY_NODE);
        Cluster.kubectl("rollout", "restart", "deployment/backend");
        Cluster.awaitRollouts();

        counts.assertKept();
    }

    private static void scale(String statefulSet, int replicas) {
        Cluster.kubectl("scale", "statefulset", statefulSet, "--replicas=" + replicas);
        Cluster.awaitRollouts();
    }

    /** The checker finds what REDIS_REPLICAS is there for: increments that were acknowledged on one disk, which is lost. */
    @Test
    void lossesAreFoundWithoutWaitingForTheReplica() {
        Cluster.kubectl("set", "env", "deployment/backend", "REDIS_REPLICAS=0");
        try {
            Cluster.awaitRollouts();
            Cluster.awaitEnds();
            String primary = primaryOf("c");
            String replica = replicaOf("c");
            Tally tally = ExactlyOnce.tally(Http::postWithKey, 0, () -> {
                Cluster.redisCli(replica, "config set masterauth 'another'");
                Cluster.redisCli(replica, "client kill type master");
                loseDisk(primary);
                Cluster.redisCli(replica, "config set masterauth $(cat /run/secrets/redis/password)");
                awaitHealth();
            });

            assertThat(tally.lost()).as(tally.toString()).isPositive();
        } finally {
            Cluster.kubectl("set", "env", "deployment/backend", "REDIS_REPLICAS-");
            Cluster.awaitRollouts();
        }
    }

    private static void during(String what, Runnable fault) {
        ExactlyOnce.during("Redis Cluster: " + what, fault);
    }
}
