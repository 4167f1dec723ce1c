package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.kubernetes.client.openapi.models.V1Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Argo CD deploys what is pushed, by the README's own commands. {@code GITOPS_REPOSITORY} is the URL of a repository
 * that is there for these tests alone: they overwrite its branch {@code main}.
 */
@Order(5)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ExtendWith(Deployed.class)
class GitOpsIT {

    private static final int REQUESTS = 1_000;
    private static final Application APPLICATION = new Application("user-counter");

    private static GitRepository repository;
    private static Counts counts;

    @BeforeAll
    static void applyTheApplication(@TempDir Path folder) {
        String url = System.getenv("GITOPS_REPOSITORY");
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(url).as("GITOPS_REPOSITORY").isNotNull();
        }
        Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE, "--ignore-not-found");
        repository = new GitRepository(folder, url);
        // The image that was built here, whatever release runs; and a rollout that hangs is told soon.
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replaceAll("newTag: .*(\n +digest: .*)?", "newTag: dev # on the node"));
        for (String name : List.of("frontend", "backend")) {
            repository.edit(
                    "base/" + name + "/deployment.yaml",
                    text -> text.replaceAll("progressDeadlineSeconds: \\d+", "progressDeadlineSeconds: 45"));
        }
        repository.commit("For a test");
        Readme.run(
                "",
                "By Argo CD",
                "cd '%s'; REPOSITORY='%s' IMAGE=ghcr.io/user-counter/user-counter".formatted(folder, url));
        APPLICATION.awaitRuns(repository.revision());
        counts = new Counts();
    }

    @AfterEach
    void endsWithWhatGitSaysAndEveryCount() {
        if (APPLICATION.exists()) {
            APPLICATION.awaitRuns(repository.revision());
            counts.assertKept();
        }
    }

    @AfterAll
    static void leaveNothing() {
        if (repository != null && APPLICATION.exists()) {
            APPLICATION.removeFinalizers();
            Shell.run(
                    "kubectl",
                    "delete",
                    "-k",
                    repository.folder().resolve("argocd/minikube").toString());
            Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE, "--ignore-not-found");
        }
    }

    @Test
    @Order(1)
    void theFirstPushIsServed() {
        String user = Cluster.url("/users/249");

        assertThat(Http.get(user).body()).isEqualTo("0");
        assertThat(Http.post(user).body()).isEqualTo("1");
        assertThat(Http.get(user).body()).isEqualTo("1");
    }

    @Test
    @Order(2)
    void aPushOfConfigurationIsServed() {
        String url = Cluster.url("/healthz");
        addHeader("X-Pushed");

        measurePush(
                "nginx.conf",
                () -> Http.get(url).headers().firstValue("X-Pushed").isPresent());
    }

    /** Edits nginx.conf so that an answer shows which one it is by. */
    private static void addHeader(String name) {
        repository.edit(
                "base/frontend/nginx.conf",
                text -> text.replace(
                        "location = /healthz {", "location = /healthz {\n            add_header " + name + " yes;"));
    }

    @Test
    @Order(2)
    void aPushOfAnImageIsServed() {
        Shell.run(
                "bash",
                "-euc",
                "cd app; minikube image build -t ghcr.io/user-counter/user-counter:next -f Containerfile .");
        repository.edit("overlays/minikube/kustomization.yaml", text -> text.replace("newTag: dev", "newTag: next"));

        measurePush("an image", () -> Cluster.pods("backend").stream().anyMatch(GitOpsIT::isNextAndAnswered));
    }

    /** By another variable for the backend, and another comment for nginx and Redis. */
    @Test
    @Order(2)
    void aPushThatReplacesEveryPodCountsExactlyOnce() {
        Set<String> before = pods();
        repository.edit(
                "base/backend/kustomization.yaml",
                text -> text.replace("- REDIS_URL=", "- REDIS_TIMEOUT=1900ms\n      - REDIS_URL="));
        for (String file : List.of("base/frontend/nginx.conf", "base/redis/redis.conf")) {
            repository.edit(file, text -> text + "# Another line\n");
        }

        ExactlyOnce.during("a push that replaces every pod", () -> APPLICATION.awaitRuns(repository.push("All three")));

        assertThat(pods()).doesNotContainAnyElementsOf(before);
    }

    private static Set<String> pods() {
        return Stream.of("frontend", "backend", "redis")
                .flatMap(name -> Cluster.pods(name).stream())
                .map(pod -> pod.getMetadata().getUid())
                .collect(Collectors.toSet());
    }

    private static boolean isNextAndAnswered(V1Pod pod) {
        return pod.getSpec().getContainers().get(0).getImage().endsWith(":next")
                && Cluster.isReady(pod)
                && Cluster.kubectl("exec", pod.getMetadata().getName(), "--", "bash", "-c", """
                        exec 3<>/dev/tcp/127.0.0.1/1323
                        printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3
                        grep -c 'http_server_request_duration_seconds_count{.*/users/{id}.*} [1-9]' <&3 || true""")
                        .matches("[1-9]\\d*");
    }

    private static void measurePush(String what, BooleanSupplier answersAnew) {
        Load.during("push of " + what, 5_000, () -> {
            Instant start = Instant.now();
            String revision = repository.push("Change " + what);
            APPLICATION.await("an answer by what was pushed", answersAnew);
            long first = start.until(Instant.now(), ChronoUnit.SECONDS);
            APPLICATION.awaitRuns(revision);
            Load.measured(
                    "from the push of " + what,
                    "%d s to the first answer by it, %d s to Healthy"
                            .formatted(first, start.until(Instant.now(), ChronoUnit.SECONDS)));
        });
    }

    /** What a person does to the cluster by hand. */
    enum Drift {
        SCALED("deployment/backend", "scale deployment/backend --replicas=3"),
        ANOTHER_IMAGE("deployment/frontend", "set image deployment/frontend nginx=docker.io/library/busybox:stable"),
        ANOTHER_CONFIGURATION(
                "configmap/" + configMap(), "patch configmap/" + configMap() + " -p{\"data\":{\"nginx.conf\":\"\"}}"),
        AN_OPEN_DOOR("networkpolicy/redis", "patch networkpolicy/redis --type=merge -p{\"spec\":{\"ingress\":[{}]}}"),
        NO_SERVICE("service/app", "delete service/app"),
        NO_DEPLOYMENT("deployment/backend", "delete deployment/backend");

        private final String object;
        private final String[] command;

        Drift(String object, String command) {
            this.object = object;
            this.command = command.split(" ");
        }

        private static String configMap() {
            return Cluster.kubectl(
                    "get",
                    "deployment/frontend",
                    "-o",
                    "jsonpath={.spec.template.spec.volumes[?(@.configMap)].configMap.name}");
        }

        /** What Git decides of it. */
        String state() {
            return Cluster.tryKubectl(
                            "get",
                            object,
                            "-o",
                            "jsonpath={.metadata.name} {.data} {.spec.replicas} {.spec.template.spec.containers[*].image}"
                                    + " {.spec.ingress} {.spec.selector}")
                    .output();
        }
    }

    @ParameterizedTest
    @EnumSource
    @Order(3)
    void driftIsUndone(Drift drift) {
        // Argo CD waits three times as long before each further sync of one revision, so this is another one.
        repository.edit(
                "base/redis/service.yaml",
                text -> text.replaceFirst(
                        "metadata:\n(  annotations: .*\n)?", "metadata:\n  annotations: {before: " + drift + "}\n"));
        APPLICATION.awaitRuns(repository.push("Before " + drift));
        String before = drift.state();

        Cluster.kubectl(drift.command);
        assertThat(drift.state()).as("the drift").isNotEqualTo(before);

        APPLICATION.await("what was before", () -> drift.state().equals(before));
    }

    @Test
    @Order(3)
    void whatIsRemovedFromGitIsPruned() {
        repository.edit("base/frontend/kustomization.yaml", text -> text.replace("  - poddisruptionbudget.yaml\n", ""));
        pushAndRevert(
                "Remove a budget",
                revision -> APPLICATION.await(
                        "no budget",
                        () -> Cluster.tryKubectl("get", "poddisruptionbudget", "frontend")
                                .output()
                                .contains("NotFound")));
    }

    @Test
    @Order(3)
    void theClaimAndTheNamespaceAreNotPruned() {
        String claim = uid("persistentvolumeclaim/redis-data");
        String namespace = uid("namespace/user-counter");
        repository.edit("base/redis/kustomization.yaml", text -> text.replace("  - persistentvolumeclaim.yaml\n", ""));
        repository.edit("base/kustomization.yaml", text -> text.replace("  - namespace.yaml\n", ""));
        pushAndRevert("Remove claim and namespace", revision -> {
            APPLICATION.await(
                    "a sync that leaves something to prune",
                    () -> APPLICATION
                                    .get("/status/operationState/syncResult/revision")
                                    .equals(revision)
                            && APPLICATION.get("/status/operationState/phase").equals("Succeeded")
                            && APPLICATION.get("/status/sync/status").equals("OutOfSync"));
            assertThat(uid("persistentvolumeclaim/redis-data")).isEqualTo(claim);
            assertThat(uid("namespace/user-counter")).isEqualTo(namespace);
        });
    }

    @Test
    @Order(3)
    void aBackupAndARestoreAreNoDrift() {
        takeComponent("backup");
        pushAndRevert("Add backups", revision -> {
            APPLICATION.await(
                    "the CronJob",
                    () -> Cluster.tryKubectl("get", "cronjob", "backup").exitCode() == 0);
            Cluster.kubectl("create", "job", "backup-now", "--from=cronjob/backup");
            Cluster.kubectl("wait", "--for=condition=Complete", "job/backup-now", "--timeout=2m");
            APPLICATION.awaitRuns(revision);

            Readme.run("components/backup", "Restore", "");
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(revision)).isTrue();
        });
        APPLICATION.awaitRuns(repository.revision());
        // As with redis-data, only a person deletes it.
        Cluster.kubectl("delete", "persistentvolumeclaim", "redis-backup");
    }

    /** The numbers of the one Redis are there again, as after every test. */
    @Test
    @Order(3)
    void redisClusterComesAndGoes() {
        takeComponent("redis-cluster");
        pushAndRevert("Redis Cluster", revision -> {
            APPLICATION.awaitRuns(revision);
            Cluster.awaitEnds();
            String user = Cluster.url("/users/" + UUID.randomUUID());
            assertThat(Http.untilAnswered(() -> Http.postWithKey(user, "key"))).isEqualTo("1");
            assertThat(Http.get(user).body()).isEqualTo("1");
            assertThat(Cluster.redisCli("redis-cluster-a-0", "cluster info")).contains("cluster_state:ok");
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(revision)).as("Synced and Healthy").isTrue();
        });
        APPLICATION.awaitRuns(repository.revision());
        Cluster.awaitEnds();
        String ofTheCluster = "--selector=app.kubernetes.io/instance";
        assertThat(Cluster.kubectl("get", "persistentvolumeclaims", ofTheCluster, "--output=name")
                        .lines())
                .hasSize(6);
        Cluster.kubectl("delete", "persistentvolumeclaims", ofTheCluster);
    }

    private static void takeComponent(String name) {
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replace("\npatches:\n", "\ncomponents:\n  - ../../components/" + name + "\n\npatches:\n"));
    }

    /** Pushes what was edited, looks at what comes of it, and takes it back. */
    private static void pushAndRevert(String message, Consumer<String> check) {
        String revision = repository.push(message);
        try {
            check.accept(revision);
        } finally {
            repository.revert();
        }
    }

    private static String uid(String object) {
        return Cluster.kubectl("get", object, "-o", "jsonpath={.metadata.uid} {.metadata.deletionTimestamp}");
    }

    /** A change that must not be served, and what the Application says of it. */
    enum BadPush {
        NO_YAML("base/backend/service.yaml", "spec:", "spec: [", "service.yaml"),
        NO_KUSTOMIZATION("base/backend/kustomization.yaml", "service.yaml", "no-such-file.yaml", "no-such-file.yaml"),
        AGAINST_THE_SCHEMA("base/backend/deployment.yaml", "replicas: 2", "replicas: two", "replicas"),
        NO_SUCH_IMAGE("overlays/minikube/kustomization.yaml", "newTag: .*", "newTag: no-such-tag", "Degraded"),
        NEVER_READY("base/backend/kustomization.yaml", "REDIS_URL=redis:", "REDIS_URL=nowhere:", "Degraded"),
        NO_PASSWORD(
                "base/backend/deployment.yaml", "secretName: redis-password", "secretName: no-such-secret", "Degraded");

        private final String file;
        private final String good;
        private final String bad;
        private final String reason;

        BadPush(String file, String good, String bad, String reason) {
            this.file = file;
            this.good = good;
            this.bad = bad;
            this.reason = reason;
        }
    }

    @ParameterizedTest
    @EnumSource
    @Order(4)
    void aBadPushIsHarmless(BadPush push) {
        Load.during("bad push: " + push.name().toLowerCase(Locale.ROOT).replace('_', ' '), REQUESTS, () -> {
            repository.edit(push.file, text -> text.replaceFirst(push.good, push.bad));
            pushAndRevert(
                    "Break it: " + push,
                    revision -> APPLICATION.await(
                            "'" + push.reason + "'", () -> APPLICATION.trouble().contains(push.reason)));
            APPLICATION.awaitRuns(repository.revision());
        });
    }

    /** Redis has one pod, which stops before the next one starts: until then there is no answer, but nothing is lost. */
    @Test
    @Order(4)
    void aRedisThatCannotStartIsMendedByTheNextPush() {
        repository.edit(
                "base/redis/statefulset.yaml",
                text -> text.replace("secretName: redis-password", "secretName: no-such-secret"));
        pushAndRevert("Break Redis", revision -> {
            APPLICATION.await(
                    "no backend ready", () -> Cluster.pods("backend").stream().noneMatch(Cluster::isReady));
            assertThat(Http.get(Cluster.url("/users/249")).statusCode()).isEqualTo(503);
        });
    }

    @Test
    @Order(4)
    void aRevertBringsBackWhatWasBefore() {
        String url = Cluster.url("/healthz");
        addHeader("X-Mistake");
        APPLICATION.awaitRuns(repository.push("A mistake"));
        Cluster.awaitEnds();
        assertThat(Http.get(url).headers().firstValue("X-Mistake")).isPresent();

        Load.during("git revert", REQUESTS, () -> APPLICATION.awaitRuns(repository.revert()));

        assertThat(Http.get(url).headers().firstValue("X-Mistake")).isEmpty();
    }

    /** An object that somebody adds to the overlay, and that the project does not allow. */
    enum Stranger {
        IN_ANOTHER_NAMESPACE("v1", "ConfigMap", "default"),
        OF_ANOTHER_KIND("rbac.authorization.k8s.io/v1", "Role", Cluster.NAMESPACE),
        OF_THE_WHOLE_CLUSTER("rbac.authorization.k8s.io/v1", "ClusterRole", ""),
        A_SECOND_NAMESPACE("v1", "Namespace", "");

        private final String apiVersion;
        private final String kind;
        private final String namespace;

        Stranger(String apiVersion, String kind, String namespace) {
            this.apiVersion = apiVersion;
            this.kind = kind;
            this.namespace = namespace;
        }
    }

    @ParameterizedTest
    @EnumSource
    @Order(5)
    void theProjectRefusesAStranger(Stranger stranger) {
        repository.write("overlays/minikube/stranger.yaml", """
                apiVersion: %s
                kind: %s
                metadata: {name: stranger, namespace: "%s"}
                """.formatted(
                        stranger.apiVersion, stranger.kind, stranger.namespace));
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replace("  - ../../base\n", "  - ../../base\n  - stranger.yaml\n"));
        pushAndRevert("Add a stranger", revision -> {
            APPLICATION.await("a refusal", () -> APPLICATION.trouble().contains("not permitted in project"));
            assertThat(Shell.attempt("kubectl", "get", stranger.kind, "stranger", "--namespace=" + stranger.namespace)
                            .output())
                    .contains("NotFound");
        });
    }

    @Test
    @Order(5)
    void theProjectRefusesAnotherRepository(@TempDir Path folder) throws IOException {
        Application stranger = new Application("stranger");
        String application = Shell.run(
                "kubectl",
                "kustomize",
                repository.folder().resolve("argocd/minikube").toString());
        Path manifest = Files.writeString(
                folder.resolve("stranger.yaml"),
                application
                        .substring(application.indexOf("---"))
                        .replace("  name: user-counter", "  name: stranger")
                        .replace(repository.url(), repository.url().replace(".git", "-of-a-stranger.git"))
                        .replaceFirst("  finalizers:\n.*\n", ""));
        Shell.run("kubectl", "create", "--filename=" + manifest);
        try {
            stranger.await("a refusal", () -> stranger.trouble().contains("not permitted in project"));
        } finally {
            Application.kubectl("delete", "application", "stranger");
        }
    }

    @Test
    @Order(6)
    void nothingDiffersFromGitForTenReconciliations() {
        String sync = APPLICATION.get("/status/operationState/finishedAt");

        for (int i = 0; i < 10; i++) {
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(repository.revision()))
                    .as("Synced and Healthy")
                    .isTrue();
        }

        assertThat(APPLICATION.get("/status/operationState/finishedAt"))
                .as("the last sync")
                .isEqualTo(sync);
        Shell.run(
                "kubectl",
                "diff",
                "--server-side",
                "--force-conflicts",
                "-k",
                repository.folder().resolve("overlays/minikube").toString());
    }

    @Test
    @Order(7)
    void deletingTheApplicationDeletesNothingUntilAPersonConfirms() {
        Application.kubectl("delete", "application", "user-counter", "--wait=false");
        String deployed = deployed();
        Cluster.assertNever(
                "the deletion",
                Duration.ofSeconds(15),
                () -> !APPLICATION.exists() || !deployed().equals(deployed));

        // Who thinks better of it takes the finalizer away, and may apply the Application again.
        APPLICATION.removeFinalizers();
        assertThat(APPLICATION.exists()).isFalse();
        assertThat(deployed()).isEqualTo(deployed);
        Shell.run(
                "kubectl",
                "apply",
                "-k",
                repository.folder().resolve("argocd/minikube").toString());

        APPLICATION.awaitRuns(repository.revision());
        counts.assertKept();
    }

    private static String deployed() {
        return Cluster.kubectl(
                "get", "all,persistentvolumeclaims,networkpolicies", "--output=jsonpath={.items[*].metadata.uid}");
    }

    @Test
    @Order(8)
    void confirmedDeletionDeletesEverything() {
        Application.kubectl("delete", "application", "user-counter", "--wait=false");
        Application.kubectl(
                "annotate",
                "application",
                "user-counter",
                "argocd.argoproj.io/deletion-approved="
                        + Instant.now().truncatedTo(ChronoUnit.SECONDS).plusSeconds(1));

        Cluster.await("the end of all", Duration.ofMinutes(3), () -> !APPLICATION.exists());
        assertThat(Shell.attempt("kubectl", "get", "namespace", Cluster.NAMESPACE)
                        .output())
                .contains("NotFound");
        Shell.run(
                "kubectl",
                "delete",
                "-k",
                repository.folder().resolve("argocd/minikube").toString(),
                "--ignore-not-found");
    }
}
