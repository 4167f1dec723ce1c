package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
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
 * {@code components/redis-cluster}: despite all these faults, every acknowledged increment is counted exactly once, and
 * the cluster recovers without a person.
 */
@Order(3)
@ExtendWith(Deployed.class)
class RedisClusterIT {

    private static final int NODES = 6;
    private static final int FIRST_SLOT_OF_B = 5_461;
    private static final int FIRST_SLOT_OF_C = 10_923;

    /** The overlay for the tests of the backup. An overlay without redis-cluster would block the DNS of its pods. */
    private static final String WITH_BACKUP = "tests/overlays/backup-redis-cluster";

    private static final String EVERY_NODE = "--selector=app.kubernetes.io/name=redis";

    /** A redis-cli that starts a fail-over of the first primary after its snapshot. */
    private static final String FAIL_OVER_ONCE = """
            redis-cli "$@" || exit
            case "$*" in
              *--rdb*)
                if mkdir test/failed-over; then
                  replica=$(redis-cli --user backup -h "$2" info replication | sed -n 's/^slave0:ip=\\([^,]*\\).*/\\1/p')
                  redis-cli --user backup -h "$replica" cluster failover
                  until redis-cli --user backup -h "$replica" role | grep -q master; do sleep 1; done
                fi
                ;;
            esac
            """;

    /** A redis-cli that copies the keys of the first primary, and hangs before the second one. */
    private static final String COPY_ONE_FILE = """
            if [ $# = 0 ] && ! mkdir test/copied; then
              touch test/waiting
              exec sleep infinity
            fi
            exec redis-cli "$@"
            """;

    private static Counts countsOfOneRedis;
    private static String snapshotOfOneRedis;

    @BeforeAll
    static void takeTheComponent() {
        countsOfOneRedis = new Counts();
        Backups.install("tests/overlays/backup");
        snapshotOfOneRedis = Backups.takeSnapshot();
        Documentation.run("components/redis-cluster/README.md", "Use");
        Cluster.awaitTermination();
        awaitHealth();
    }

    /** Restores a snapshot of the cluster, so that the single Redis has its numbers. */
    @AfterAll
    static void takeItBack() {
        Counts counts = new Counts();
        Backups.install(WITH_BACKUP);
        String snapshot = Backups.snapshot(Backups.succeed(Backups.REDIS_CLI));
        Documentation.run("components/redis-cluster/README.md", "Go back");
        Backups.install("tests/overlays/backup");
        Cluster.awaitRollouts();
        Cluster.awaitTermination();
        Backups.restore(snapshot);
        counts.assertKept();
        Backups.remove();
        assertThat(Cluster.kubectl("get", "persistentvolumeclaims", "--output=name"))
                .as("remaining claims")
                .isEqualTo("persistentvolumeclaim/redis-data");
    }

    @AfterEach
    void settle() {
        awaitHealth();
    }

    /** Waits until all pods are ready, each node knows all six nodes, and each replica may take over. */
    private static void awaitHealth() {
        Cluster.awaitRollouts();
        String nodesOfEveryNode = "for node in %s; do redis-cli -e -h $node.redis-cluster cluster nodes || exit; done"
                .formatted(nodes().collect(Collectors.joining(" ")));
        Cluster.await("every node knows all other nodes", Duration.ofMinutes(1), () -> {
            Shell.Result answers = Cluster.tryInRedis("redis-cluster-a-0", nodesOfEveryNode);
            return answers.exitCode() == 0
                    && lines(answers.output()) == NODES * NODES
                    && !answers.output().contains("fail");
        });
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
                    .as("Kubernetes nodes of pair " + pair)
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
            Cluster.deletePods(primary);
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
            Cluster.deletePods(EVERY_NODE, "--force", "--grace-period=0");
            Cluster.awaitRollouts();
        });
    }

    /** First the disk of the primary, then the disk of the replica that took over. */
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
     * The service invents no numbers for the third of the users whose numbers are lost. A person decides that these
     * users start at 0.
     *
     * @param followed whether both new nodes have become replicas of the lost primary, which other nodes may cause
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bothDisksOfAPairAreLostAtOnce(boolean followed) {
        String url = Cluster.url(Resource.path(""));
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        String other = userOf(slot -> slot >= FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");
        assertThat(increment(url + other)).isEqualTo("1");

        Cluster.kubectl("delete", "pvc", "data-redis-cluster-a-0", "data-redis-cluster-a-1", "--wait=false");
        Cluster.deletePods("redis-cluster-a-0", "redis-cluster-a-1", "--force", "--grace-period=0");
        Cluster.await(
                "the two new nodes know the other nodes",
                Duration.ofMinutes(2),
                () -> nodes().limit(2)
                        .allMatch(node ->
                                lines(Cluster.tryRedisCli(node, "cluster nodes").output()) >= NODES));
        Cluster.await(
                "the two new nodes reach each other by name",
                Duration.ofMinutes(1),
                () -> Cluster.tryRedisCli("redis-cluster-a-0", "-h redis-cluster-a-1.redis-cluster ping")
                                .exitCode()
                        == 0);
        Cluster.await(
                "answer 200 for a user of another pair",
                Duration.ofMinutes(1),
                () -> Http.get(url + other).statusCode() == 200);
        assertThat(increment(url + other)).isEqualTo("2");
        assertThat(Http.get(url + user).statusCode()).isEqualTo(503);
        if (followed) {
            followTheLostPrimaryOfA();
        }

        Documentation.run("components/redis-cluster/README.md", "When both disks of a pair are lost");
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
                        "replica of the lost primary",
                        Duration.ofMinutes(1),
                        () -> Cluster.tryRedisCli(node, "cluster replicate " + lost)
                                        .exitCode()
                                == 0));
    }

    @Test
    void aPairDoesNotStartEmptyWhileItHasItsData() {
        String url = Cluster.url(Resource.path(""));
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");

        assertThatThrownBy(() ->
                        Documentation.run("components/redis-cluster/README.md", "When both disks of a pair are lost"))
                .hasMessageContaining("has all of its data");

        assertThat(increment(url + user)).isEqualTo("2");
    }

    /** The unavailable node has the only disk with the numbers, and serves them after its return. */
    @Test
    void aPairDoesNotStartEmptyWhileOneNodeIsUnavailable() {
        Cluster.assumeSecondNode();
        String url = Cluster.url(Resource.path(""));
        String user = userOf(slot -> slot < FIRST_SLOT_OF_B);
        assertThat(increment(url + user)).isEqualTo("1");
        String machine = machineOf("redis-cluster-a-1");
        try {
            scale("redis-cluster-a", 1);
            Cluster.awaitTermination();
            // Keeps the machine free for redis-cluster-a-1: the two nodes of a pair are never on one machine.
            Shell.run("kubectl", "cordon", machine);
            loseDisk("redis-cluster-a-0");
            Cluster.await(
                    "the new node knows the other nodes",
                    Duration.ofMinutes(2),
                    () -> lines(Cluster.tryRedisCli("redis-cluster-a-0", "cluster nodes")
                                    .output())
                            >= NODES - 1);

            assertThatThrownBy(() -> Documentation.run(
                            "components/redis-cluster/README.md", "When both disks of a pair are lost"))
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
        Cluster.deletePods(node, "--force", "--grace-period=0");
        Cluster.await(
                "new claim",
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

    /** An increment on only one disk is not acknowledged. It counts once when the other node is back. */
    @Test
    void aReplicaIsUnavailableAndThenItsPrimary() {
        String url = Cluster.url(Resource.path(""));
        String key = UUID.randomUUID().toString();
        String user = userOf(slot -> slot >= FIRST_SLOT_OF_C);
        String other = userOf(slot -> slot < FIRST_SLOT_OF_C);
        assertThat(increment(url + user)).isEqualTo("1");
        try {
            scale("redis-cluster-c", 1);
            Cluster.awaitTermination();

            assertThat(Http.postWithKey(url + user, key).statusCode()).isEqualTo(503);
            assertThat(Http.postWithKey(url + user, key).statusCode()).isEqualTo(503);
            assertThat(Http.get(url + user).statusCode()).isEqualTo(200);
            assertThat(increment(url + other)).isEqualTo("1");

            scale("redis-cluster-c", 0);
            Cluster.awaitTermination();

            assertThat(Http.get(url + user).statusCode()).isEqualTo(503);
            assertThat(increment(url + other)).isEqualTo("2");
        } finally {
            scale("redis-cluster-c", 2);
            awaitHealth();
        }

        assertThat(increment(url + user, key)).isEqualTo("2");
        assertThat(Http.get(url + user).body()).isEqualTo("2");
    }

    /** One of three primaries is no majority: it serves nothing, and no replica takes over. Two are a majority. */
    @Test
    void twoPrimariesAreGoneAtOnce() {
        Cluster.assumeSecondNode();
        List<String> users = oneUserOfEachPair();
        assertThat(users).allSatisfy(user -> assertThat(increment(user)).isEqualTo("1"));
        String first = primaryOf("a");
        if (machineOf(first).equals(machineOf(primaryOf("b")))) {
            String other = replicaOf("b");
            Cluster.redisCli(other, "cluster failover");
            Cluster.await(
                    "hand-over of the primary",
                    Duration.ofMinutes(1),
                    () -> primaryOf("b").equals(other));
        }
        String second = primaryOf("b");
        List<String> replicas = List.of(replicaOf("a"), replicaOf("b"));
        String machineOfFirst = machineOf(first);
        String machineOfSecond = machineOf(second);

        Shell.run("kubectl", "cordon", machineOfFirst, machineOfSecond);
        try {
            // Simulates a power failure: even a pod that is deleted by force may hand over before it ends.
            replicas.forEach(replica -> Cluster.redisCli(replica, "acl setuser default '-cluster|failover'"));
            Cluster.deletePods(first, second, "--force", "--grace-period=0");
            Cluster.await(
                    "no user is answered",
                    Duration.ofMinutes(1),
                    () -> users.stream().noneMatch(RedisClusterIT::isAnswered));
            // A take-over takes at most seven seconds.
            Cluster.assertNever(
                    "an answer", Duration.ofSeconds(10), () -> users.stream().anyMatch(RedisClusterIT::isAnswered));

            Shell.run("kubectl", "uncordon", machineOfFirst);
            Cluster.await(
                    "every user is answered",
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

    /** Repeats a POST with an idempotency key until it is acknowledged. */
    private static String increment(String user) {
        return increment(user, UUID.randomUUID().toString());
    }

    private static String increment(String user, String key) {
        return Http.untilAnswered(() -> Http.postWithKey(user, key));
    }

    /** The URLs of the users. */
    private static List<String> oneUserOfEachPair() {
        String url = Cluster.url(Resource.path(""));
        return Stream.<IntPredicate>of(
                        slot -> slot < FIRST_SLOT_OF_B,
                        slot -> slot >= FIRST_SLOT_OF_B && slot < FIRST_SLOT_OF_C,
                        slot -> slot >= FIRST_SLOT_OF_C)
                .map(slot -> url + userOf(slot))
                .toList();
    }

    private static String userOf(IntPredicate slot) {
        return Stream.generate(() -> "cluster-" + UUID.randomUUID())
                .filter(user -> slot.test(Integer.parseInt(
                        Cluster.redisCli("redis-cluster-a-0", "cluster keyslot '%s'".formatted(Resource.key(user))))))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void theRotationOfThePasswordKeepsTheCounts() {
        Counts counts = new Counts();
        Passwords.rotate("redis-cluster");
        counts.assertKept();

        Cluster.deletePods(EVERY_NODE);
        awaitHealth();
        counts.assertKept();
    }

    private static void scale(String statefulSet, int replicas) {
        Cluster.kubectl("scale", "statefulset", statefulSet, "--replicas=" + replicas);
        Cluster.awaitRollouts();
    }

    /** Proves the checker: without REDIS_REPLICAS, it finds increments that were only on a lost disk. */
    @Test
    void lossesAreFoundWithoutWaitingForTheReplica() {
        Cluster.kubectl("set", "env", "deployment/backend", "REDIS_REPLICAS=0", "REDIS_DURABILITY=unchecked");
        try {
            Cluster.awaitRollouts();
            Cluster.awaitTermination();
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
            Cluster.kubectl("set", "env", "deployment/backend", "REDIS_REPLICAS-", "REDIS_DURABILITY-");
            Cluster.awaitRollouts();
        }
    }

    private static void during(String what, Runnable fault) {
        ExactlyOnce.during("Redis Cluster: " + what, fault);
    }

    @Test
    void afterTheLossOfEverythingTheNumbersAreThoseOfASnapshot() {
        Backups.install(WITH_BACKUP);
        Counts counts = new Counts();
        List<String> users = oneUserOfEachPair();
        assertThat(users)
                .allSatisfy(user -> assertThat(increment(user, "before")).isEqualTo("1"));
        String log = Backups.succeed(FAIL_OVER_ONCE);
        assertThat(log).contains("backup: slots moved to another primary during the backup");
        assertThat(users)
                .allSatisfy(user -> assertThat(increment(user, "between")).isEqualTo("2"));

        Documentation.run("components/backup/README.md", "When the data of Redis Cluster is lost");
        assertThat(users).allSatisfy(user -> assertThat(increment(user, "lost")).isEqualTo("1"));

        Backups.start("restore", COPY_ONE_FILE, "TASK=restore");
        Cluster.await(
                "restore of the first part of the data",
                Duration.ofMinutes(1),
                () -> Cluster.tryKubectl("exec", "job/restore", "--", "test", "-e", "/backup/test/waiting")
                                .exitCode()
                        == 0);
        Cluster.deletePods("--selector=job-name=restore", "--force", "--grace-period=0");
        Cluster.kubectl("delete", "job", "restore");
        assertThat(users).allSatisfy(user -> {
            assertThat(Http.get(user).statusCode()).isEqualTo(503);
            assertThat(Http.post(user).statusCode()).isEqualTo(503);
        });
        assertThat(Backups.fail(Backups.REDIS_CLI)).contains("backup: a restore did not complete");

        Backups.restore(Backups.snapshot(log));
        counts.assertKept();
        assertThat(users).allSatisfy(user -> {
            assertThat(increment(user, "before")).isEqualTo("1");
            assertThat(increment(user, "between")).isEqualTo("2");
        });
    }

    @Test
    void theNumbersOfASingleRedisAreMigrated() {
        Backups.install(WITH_BACKUP);
        Backups.restore(snapshotOfOneRedis);

        countsOfOneRedis.assertKept();
    }

    @Test
    void noSnapshotWithoutEverySlot() {
        Backups.install(WITH_BACKUP);
        List<String> before = Backups.snapshots();
        String slot = "7";
        String primary = primaryOf("a");
        try {
            Stream.concat(Stream.of(primary), nodes().filter(node -> !node.equals(primary)))
                    .forEach(node -> Cluster.redisCli(node, "cluster delslots " + slot));

            assertThat(Backups.fail(Backups.REDIS_CLI)).contains("backup: the primaries have 16383 of 16384 slots");
        } finally {
            Cluster.redisCli(primary, "cluster addslots " + slot);
        }
        assertThat(Backups.snapshots()).isEqualTo(before);
    }
}
