package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Repository;
import usercounter.cluster.Monitoring.Alert;
import usercounter.manifests.Combination;

/**
 * {@code components/monitoring} with a real Prometheus and Alertmanager: faults raise their alerts, and their repair ends
 * them. The durations in the rules are divided by 60 for this test, so that a minute is a second. A second environment has
 * Redis Cluster and backups.
 */
@Order(5)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ExtendWith(Deployed.class)
class MonitoringIT {

    private static final int REQUESTS = 5_000;

    private static final String OTHER = "user-counter-monitored";

    /** Pages that say whom a fault hurts. They come with those that say what is broken. */
    private static final Set<String> SYMPTOMS =
            Set.of("UserCounterNoBackend", "UserCounterErrorsPage", "UserCounterLatencyPage");

    @TempDir
    private static Path folder;

    @BeforeAll
    static void takeTheComponent() {
        if ("true".equals(System.getenv("CI"))) {
            Monitoring.awaitInstallation();
        } else {
            assumeThat(Monitoring.isInstalled())
                    .as("whether there is the Prometheus Operator (see CONTRIBUTING.md)")
                    .isTrue();
        }
        Monitoring.install();
        startAnotherEnvironment();
        ExactlyOnce.during("start of monitoring", () -> {
            Documentation.run("components/monitoring/README.md", "Use");
            Cluster.awaitRollouts();
        });
        makeFaster(Cluster.NAMESPACE);
        Cluster.kubectlIn(OTHER, "rollout", "status", "statefulsets,deployments", "--timeout=5m");
        // Two frontends, two backends, and Redis; or six Redis.
        Cluster.await(
                "every target",
                Duration.ofMinutes(2),
                () -> Monitoring.health().equals(Collections.nCopies(5 + 10, "up")));
    }

    private static void startAnotherEnvironment() {
        Path copy = folder.resolve("repository");
        Repository.copyTo(copy);
        Path overlay = new Combination("minikube", List.of("backup", "redis-cluster", "monitoring"))
                .write(copy, "namespace: " + OTHER);
        Shell.run("kubectl", "apply", "-k", overlay.toString());
        Cluster.kubectlIn(OTHER, "patch", "cronjob", "backup", "--patch={\"spec\":{\"suspend\":true}}");
        makeFaster(OTHER);
    }

    /**
     * Divides every duration of the rules and of the scraping by 60. But a scrape takes a moment on a small machine, and an
     * alert must not fire because one or two of them fail.
     */
    private static void makeFaster(String namespace) {
        String objects = Pattern.compile("(\\[|for: |interval: )(\\d+)([smhd])")
                .matcher(Cluster.kubectlIn(namespace, "get", "podmonitors,prometheusrules", "--output=yaml"))
                .replaceAll(duration -> {
                    int least = duration.group(1).equals("for: ") ? 5 : 2;
                    int seconds = Integer.parseInt(duration.group(2)) * seconds(duration.group(3));
                    return duration.group(1) + Math.max(least, seconds / 60) + "s";
                });
        try {
            Path file = Files.writeString(folder.resolve("faster.yaml"), objects);
            Cluster.kubectlIn(namespace, "replace", "--filename=" + file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int seconds(String unit) {
        return switch (unit) {
            case "s" -> 1;
            case "m" -> 60;
            case "h" -> 3_600;
            default -> 86_400;
        };
    }

    @AfterAll
    static void takeItBack() {
        Shell.run("kubectl", "delete", "namespace", OTHER, "--ignore-not-found", "--wait=false");
        Documentation.run("components/monitoring/README.md", "Go back");
        Cluster.awaitRollouts();
        Cluster.awaitTermination();
        Monitoring.uninstall();
    }

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
        Cluster.await(
                "no page",
                Duration.ofMinutes(3),
                () -> pages(Monitoring.alerts()).isEmpty());
    }

    @Test
    @Order(1)
    void aRolloutFailsNoRequest() {
        Load.during("rolling update with exporters", REQUESTS, () -> {
            Cluster.kubectl("rollout", "restart", "deployment/backend", "deployment/frontend");
            Cluster.awaitRollouts();
        });
    }

    /** Also after many users, and paths that nobody should send. */
    @Test
    @Order(2)
    void theNumberOfSeriesIsLimited() {
        String url = Cluster.url("/");
        AtomicInteger users = new AtomicInteger();
        Clients clients = new Clients(n -> {
            Http.post(url + "users/of-a-series-" + users.incrementAndGet());
            if (n % 10 == 0) {
                Http.get(url + "hostile/of-a-series-" + n + "?" + n);
            }
        });
        try {
            clients.await("10,000 users", Duration.ofMinutes(3), () -> users.get() >= 10_000);
        } finally {
            clients.stop();
        }

        double series = Monitoring.value("max(scrape_samples_post_metric_relabeling)");
        Load.measured("series of a pod after 10,000 users", "%,.0f at most".formatted(series));
        assertThat(series).isLessThan(1_000);
        assertThat(Monitoring.series(Cluster.NAMESPACE))
                .contains(Resource.ROUTE)
                .doesNotContain("of-a-series");
    }

    @Test
    @Order(2)
    void everyRuleAndEveryQueryOfTheDashboardGivesData() throws IOException {
        Matcher records =
                Pattern.compile("record: (\\S+)").matcher(Cluster.kubectl("get", "prometheusrules", "--output=yaml"));
        while (records.find()) {
            assertThat(Monitoring.query(records.group(1))).as(records.group(1)).isNotEmpty();
        }
        for (Dashboard.Query query : Dashboard.read().queries(Cluster.NAMESPACE)) {
            assertThat(Monitoring.query(query.expression()))
                    .as("%s: %s", query.title(), query.expression())
                    .isNotEmpty();
        }
    }

    @Test
    @Order(2)
    void theCommandsOfTheRunbooksWork() {
        List<String> alerts = Documentation.headingsWithCommands("docs/runbooks.md");

        assertThat(alerts).contains("UserCounterNoRedis");
        alerts.forEach(alert -> Documentation.run("docs/runbooks.md", alert));
    }

    @Test
    @Order(2)
    void onlyTheNamespaceOfPrometheusReachesTheMetrics() {
        List<String> addresses = List.of(address("backend", 1323), address("frontend", 9113), address("redis", 9121));

        assertThat(reached(Monitoring.NAMESPACE, addresses)).containsExactlyElementsOf(addresses);
        assertThat(reached("default", addresses)).isEmpty();
    }

    private static String address(String name, int port) {
        return Cluster.pods(name).get(0).getStatus().getPodIP() + ":" + port;
    }

    /** The addresses with metrics for a pod in a namespace. */
    private static List<String> reached(String namespace, List<String> addresses) {
        String script =
                "for address in %s; do wget -T 3 -qO /dev/null http://$address/metrics && echo $address; done; true"
                        .formatted(String.join(" ", addresses));
        Shell.Result result = Cluster.tryInNewPod(namespace, "sh", "-c", script);
        assertThat(result.exitCode()).as(result.output()).isZero();
        return result.output().lines().filter(addresses::contains).toList();
    }

    @Test
    @Order(3)
    void redisIsAway() {
        assertAlert(
                "Redis away",
                "UserCounterNoRedis",
                () -> Cluster.kubectl("scale", "statefulset/redis", "--replicas=0"),
                () -> Cluster.kubectl("scale", "statefulset/redis", "--replicas=1"));
    }

    @Test
    @Order(3)
    void noBackendIsThere() {
        assertAlert(
                "no backend",
                "UserCounterNoBackend",
                () -> Cluster.kubectl("scale", "deployment/backend", "--replicas=0"),
                () -> Cluster.kubectl("scale", "deployment/backend", "--replicas=2"));
    }

    @Test
    @Order(3)
    void theMemoryOfRedisIsFull() {
        String before =
                Cluster.redisCli("config get maxmemory").lines().toList().get(1);
        assertAlert(
                "Redis's memory full",
                "UserCounterRedisMemoryFull",
                () -> Cluster.redisCli("config set maxmemory 1"),
                () -> Cluster.redisCli("config set maxmemory " + before));
    }

    /** Redis exits at every write. */
    @Test
    @Order(3)
    void theDiskOfRedisIsFull() {
        try {
            SmallDisk.use();
            assertAlert("Redis's disk full", "UserCounterNoRedis", SmallDisk::fill, SmallDisk::free);
        } finally {
            Cluster.kubectl("rollout", "undo", "statefulset/redis");
        }
    }

    /** A text where a number should be makes the backend answer 500. */
    @Test
    @Order(3)
    void aBackendAnswers500() {
        String user = "text-" + UUID.randomUUID();
        String url = Cluster.url(Resource.path(user));
        Clients clients = new Clients(n -> Http.post(url));
        try {
            assertAlert(
                    "answers with 500",
                    "UserCounterErrorsPage",
                    () -> Cluster.redisCli("set " + Resource.key(user) + " text"),
                    () -> Cluster.redisCli("del " + Resource.key(user)));
        } finally {
            clients.stop();
        }
    }

    @Test
    @Order(3)
    void aBackendAnswersSlowly() {
        CompletableFuture<Void> pauses = CompletableFuture.runAsync(() -> Cluster.tryInRedis("redis-0", """
                redis-cli set slow yes
                for _ in $(seq 300); do
                  [ "$(redis-cli exists slow)" = 1 ] || exit
                  redis-cli client pause 300 write
                  sleep 0.4
                done"""));
        assertAlert("slow POSTs", "UserCounterLatencyPage", () -> {}, () -> Cluster.redisCli("del slow"));
        pauses.join();
    }

    @Test
    @Order(4)
    void aReplicaOfRedisClusterIsLost() {
        assertAlertOf(
                OTHER,
                "a replica lost",
                "UserCounterRedisReplicaLost",
                () -> Cluster.kubectlIn(OTHER, "scale", "statefulset/redis-cluster-a", "--replicas=1"),
                () -> Cluster.kubectlIn(OTHER, "scale", "statefulset/redis-cluster-a", "--replicas=2"));
    }

    /** Also the age and size of the newest snapshot are metrics. */
    @Test
    @Order(4)
    void noBackupIsGood() {
        backUp("good", "Complete");
        assertThat(Monitoring.query("redis_key_value{namespace=\"%s\",key=\"backup:newest:bytes\"}".formatted(OTHER)))
                .isNotEmpty();
        assertAlertOf(
                OTHER,
                "no good backup",
                "UserCounterBackupOld",
                () -> {
                    Instant eightHoursAgo = Instant.now().minus(Duration.ofHours(8));
                    Cluster.kubectlIn(
                            OTHER,
                            "exec",
                            "redis-cluster-a-0",
                            "--container=redis",
                            "--",
                            "sh",
                            "-c",
                            "REDISCLI_AUTH=$(cat /run/secrets/redis/password) redis-cli -c -e set backup:newest:time "
                                    + eightHoursAgo.getEpochSecond());
                    backUp("bad", "Failed");
                },
                () -> backUp("better", "Complete"));
    }

    private static void backUp(String name, String end) {
        Shell.run(
                "bash",
                "-euo",
                "pipefail",
                "-c",
                """
                kubectl -n "$0" create job "$1" --from=cronjob/backup --dry-run=client -o yaml |
                  kubectl set env --local -f - TASK="$2" -o yaml | kubectl create -f -
                kubectl -n "$0" wait --for=condition="$3" job/"$1" --timeout=2m""",
                OTHER,
                name,
                end.equals("Failed") ? "no-such-task" : "backup",
                end);
    }

    private static void assertAlert(String what, String name, Runnable fault, Runnable repair) {
        ExactlyOnce.during(
                what + ", until its alert ends", () -> assertAlertOf(Cluster.NAMESPACE, what, name, fault, repair));
    }

    /** Causes a fault until its alert reaches Alertmanager, and repairs it until the alert ends. */
    private static void assertAlertOf(String namespace, String what, String name, Runnable fault, Runnable repair) {
        Set<Alert> alerts = new HashSet<>();
        Instant start = Instant.now();
        Duration untilAlert;
        try {
            fault.run();
            Cluster.await(name, Duration.ofMinutes(2), () -> {
                alerts.addAll(Monitoring.alerts());
                return alerts.stream().anyMatch(alert -> isOf(alert, namespace, name));
            });
            untilAlert = Duration.between(start, Instant.now());
        } finally {
            repair.run();
        }
        Instant repaired = Instant.now();
        Cluster.await("end of " + name, Duration.ofMinutes(3), () -> {
            Set<Alert> now = Monitoring.alerts();
            alerts.addAll(now);
            return now.stream().noneMatch(alert -> isOf(alert, namespace, name));
        });
        Load.measured(
                what,
                "%s after %d s, its end %d s after the repair"
                        .formatted(
                                name,
                                untilAlert.toSeconds(),
                                Duration.between(repaired, Instant.now()).toSeconds()));
        assertThat(pages(alerts))
                .as("pages besides " + name)
                .allMatch(page -> isOf(page, namespace, name)
                        || page.namespace().equals(namespace) && SYMPTOMS.contains(page.name()));
    }

    private static boolean isOf(Alert alert, String namespace, String name) {
        return alert.namespace().equals(namespace) && alert.name().equals(name);
    }

    private static List<Alert> pages(Set<Alert> alerts) {
        return alerts.stream().filter(alert -> alert.severity().equals("page")).toList();
    }
}
