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
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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
import usercounter.Repository;

/**
 * Argo CD deploys each push, with the commands of the documentation. {@code GITOPS_REPOSITORY} is the URL of a
 * repository only for these tests: they overwrite its branch {@code main}.
 */
@Order(8)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@ExtendWith(Deployed.class)
class GitOpsIT {

    private static final int REQUESTS = 1_000;
    private static final Application APPLICATION = new Application("user-counter-minikube");
    private static final Application RENAMED = new Application("user-counter-production");

    private static GitRepository repository;
    private static Counts counts;

    @BeforeAll
    static void applyTheApplication(@TempDir Path folder) {
        String url = System.getenv("GITOPS_REPOSITORY");
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(url)
                    .as("GITOPS_REPOSITORY, the URL of a repository only for these tests (see CONTRIBUTING.md)")
                    .isNotNull();
        }
        Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE, "--ignore-not-found");
        repository = new GitRepository(folder, url);
        // The image that was built here instead of a release, and no rate limit for the load.
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replaceAll("- digest: .*\n ", "-")
                        .replaceAll("newTag: .*", "newTag: dev # on the node")
                        .replace("/minikube\n", "/minikube\n- ../../components/no-rate-limit\n"));
        repository.commit("For a test");
        Documentation.run(
                "docs/fork.md",
                "Give it your name",
                "cd '%s'; NAME=user-counter PACKAGE=usercounter REPOSITORY='%s' IMAGE='%s'"
                        .formatted(folder, url, Repository.image()));
        Documentation.run("docs/argocd.md", "Install", "cd '%s'; ENVIRONMENT=minikube".formatted(folder));
        APPLICATION.awaitRuns(repository.revision());
        Documentation.run("docs/argocd.md", "Keep the disks");
        counts = new Counts();
    }

    @AfterEach
    void endsWithTheStateOfGitAndEveryCount() {
        if (APPLICATION.exists()) {
            APPLICATION.awaitRuns(repository.revision());
            counts.assertKept();
        }
    }

    @AfterAll
    static void removeEverything() {
        for (Application application : List.of(APPLICATION, RENAMED)) {
            if (repository != null && application.exists()) {
                application.removeFinalizers();
                Application.kubectl("delete", "application,appproject", application.name());
                Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE, "--ignore-not-found");
            }
        }
    }

    @Test
    @Order(1)
    void theFirstPushIsServed() {
        String user = Cluster.url(Resource.path("249"));

        assertThat(Http.get(user).body()).isEqualTo("0");
        assertThat(Http.post(user).body()).isEqualTo("1");
        assertThat(Http.get(user).body()).isEqualTo("1");
    }

    @Test
    @Order(1)
    void theDiskSurvivesItsClaim() {
        String volume =
                Cluster.kubectl("get", "persistentvolumeclaim", "redis-data", "--output=jsonpath={.spec.volumeName}");

        assertThat(Cluster.kubectl(
                        "get", "persistentvolume", volume, "--output=jsonpath={.spec.persistentVolumeReclaimPolicy}"))
                .isEqualTo("Retain");
    }

    @Test
    @Order(2)
    void aPushOfConfigurationAndItsRevertAreServed() {
        repository.edit(
                "base/frontend/nginx.conf",
                text -> text.replace("proxy_pass http", "add_header X-Pushed yes;\n            proxy_pass http"));

        measurePush("nginx.conf", () -> pushedHeader().equals("yes"));
        Load.during("git revert", REQUESTS, () -> APPLICATION.awaitRuns(repository.revert()));

        assertThat(pushedHeader()).isEmpty();
    }

    private static String pushedHeader() {
        return Http.get(Cluster.url("/healthz"))
                .headers()
                .firstValue("X-Pushed")
                .orElse("");
    }

    @Test
    @Order(2)
    void aPushOfAnImageIsServed() {
        Shell.run("minikube", "image", "tag", Repository.image() + ":dev", Repository.image() + ":next");
        repository.edit("overlays/minikube/kustomization.yaml", text -> text.replace("newTag: dev", "newTag: next"));

        measurePush("an image", () -> Cluster.pods("backend").stream().anyMatch(GitOpsIT::isNextAndAnswered));
    }

    /** A claim that waits for its first pod, and a Service without an address: the Application is Progressing. */
    @Test
    @Order(2)
    void whatNeverGetsHealthyHoldsUpNoPush() {
        String before = repository.revision();
        Set<String> configMaps = configMaps();
        takeComponent("backup");
        repository.write("overlays/minikube/waiting.yaml", """
            apiVersion: v1
            kind: Service
            metadata: {name: waiting}
            spec:
              type: LoadBalancer
              loadBalancerClass: example.com/none
              ports: [{port: 80}]
            """);
        addToOverlay("waiting.yaml");
        repository.edit(
                "components/backup/objects/persistentvolumeclaim.yaml",
                text -> text.replace("spec:\n", "spec:\n  storageClassName: none\n"));
        try {
            for (String push : List.of("first", "second", "third")) {
                repository.edit(
                        "base/frontend/nginx.conf",
                        text -> text.replaceAll(
                                "(add_header X-Pushed .*;\n +)?proxy_pass http",
                                "add_header X-Pushed " + push + ";\n            proxy_pass http"));
                repository.push("The " + push + " push");
                APPLICATION.await(
                        "an answer by the " + push + " push",
                        () -> pushedHeader().equals(push));
            }
            assertThat(APPLICATION.get("/status/health/status")).isEqualTo("Progressing");
            assertThat(configMaps()).containsAll(configMaps);
        } finally {
            repository.revertTo(before);
        }
        APPLICATION.await(
                "a sync of the revert",
                () -> APPLICATION
                                .get("/status/operationState/syncResult/revision")
                                .equals(repository.revision())
                        && APPLICATION.get("/status/operationState/phase").equals("Succeeded"));
        // Argo CD does not prune this claim, like redis-data. While it waits, the Application is not Healthy.
        Cluster.kubectl("delete", "persistentvolumeclaim", "redis-backup");
        APPLICATION.awaitRuns(repository.revision());
    }

    private static Set<String> configMaps() {
        return Cluster.kubectl(
                        "get", "configmaps", "--selector=app.kubernetes.io/part-of=user-counter", "--output=name")
                .lines()
                .collect(Collectors.toSet());
    }

    /** With a new environment variable for the backend, and new comments in the configuration of nginx and Redis. */
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
                && Cluster.kubectl(
                                "exec", pod.getMetadata().getName(), "--", "bash", "-c", """
                    exec 3<>/dev/tcp/127.0.0.1/1323
                    printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3
                    grep -c 'http_server_request_duration_seconds_count{.*%s.*} [1-9]' <&3 || true\
                    """.formatted(Resource.ROUTE))
                        .matches("[1-9]\\d*");
    }

    private static void measurePush(String what, BooleanSupplier answersAnew) {
        Load.during("push of " + what, 5_000, () -> {
            Instant start = Instant.now();
            String revision = repository.push("Change " + what);
            APPLICATION.await("first answer by the pushed revision", answersAnew);
            long first = start.until(Instant.now(), ChronoUnit.SECONDS);
            APPLICATION.awaitRuns(revision);
            Load.measured(
                    "from the push of " + what,
                    "%d s to the first answer by it, %d s to Healthy"
                            .formatted(first, start.until(Instant.now(), ChronoUnit.SECONDS)));
        });
    }

    /** Changes that a person makes in the cluster by hand. */
    enum Drift {
        SCALED("deployment/frontend", ".spec.replicas", "scale deployment/frontend --replicas=3"),
        ANOTHER_IMAGE(
                "deployment/frontend",
                ".spec.template.spec.containers[*].image",
                "set image deployment/frontend nginx=docker.io/library/busybox:stable"),
        ANOTHER_CONFIGURATION(
                "configmap/" + configMap(),
                ".data",
                "patch configmap/" + configMap() + " -p{\"data\":{\"nginx.conf\":\"\"}}"),
        AN_OPEN_DOOR(
                "networkpolicy/redis",
                ".spec.ingress",
                "patch networkpolicy/redis --type=merge -p{\"spec\":{\"ingress\":[{}]}}"),
        NO_SERVICE("service/app", ".spec.selector", "delete service/app --wait=false"),
        NO_DEPLOYMENT("deployment/backend", ".spec.replicas", "delete deployment/backend --wait=false");

        private final String object;
        private final String field;
        private final String[] command;

        Drift(String object, String field, String command) {
            this.object = object;
            this.field = field;
            this.command = command.split(" ");
        }

        private static String configMap() {
            return Cluster.kubectl(
                    "get",
                    "deployment/frontend",
                    "-o",
                    "jsonpath={.spec.template.spec.volumes[?(@.name=='config')].configMap.name}");
        }

        /** The changed field, or an error if the object does not exist. */
        String state() {
            return Cluster.tryKubectl("get", object, "-o", "jsonpath={" + field + "}")
                    .output();
        }
    }

    /** All at once, since Argo CD triples its pause before each further sync of one revision. */
    @Test
    @Order(3)
    void driftIsReverted() {
        Map<Drift, String> before = new EnumMap<>(Drift.class);
        for (Drift drift : Drift.values()) {
            before.put(drift, drift.state());
        }

        for (Drift drift : Drift.values()) {
            Cluster.kubectl(drift.command);
            assertThat(drift.state()).as(drift + " after the change").isNotEqualTo(before.get(drift));
        }

        before.forEach((drift, state) -> APPLICATION.await(
                "the state before " + drift, () -> drift.state().equals(state)));
        APPLICATION.await("every nginx has the address of the new Service app", GitOpsIT::everyNginxFindsTheBackend);
    }

    /** nginx resolves app only at its start. Its liveness probe restarts it when the Service has got another address. */
    private static boolean everyNginxFindsTheBackend() {
        String address = Cluster.kubectl("get", "service", "app", "--output=jsonpath={.spec.clusterIP}");
        return Cluster.pods("frontend").stream()
                .map(pod -> pod.getMetadata().getName())
                .allMatch(pod -> Cluster.tryKubectl("exec", pod, "--", "cat", "/tmp/app")
                        .output()
                        .startsWith(address + " "));
    }

    @Test
    @Order(3)
    void whatIsRemovedFromGitIsPrunedExceptTheClaim() {
        String claim = uid("persistentvolumeclaim/redis-data");
        repository.edit("base/frontend/kustomization.yaml", text -> text.replace("  - poddisruptionbudget.yaml\n", ""));
        repository.edit("base/redis/kustomization.yaml", text -> text.replace("  - persistentvolumeclaim.yaml\n", ""));
        pushAndRevert("Remove a budget and the claim", revision -> {
            APPLICATION.awaitRuns(revision);
            assertThat(Cluster.tryKubectl("get", "poddisruptionbudget", "frontend")
                            .output())
                    .contains("NotFound");
            assertThat(uid("persistentvolumeclaim/redis-data")).isEqualTo(claim);
        });
    }

    @Test
    @Order(3)
    void aBackupAndARestoreAreNoDrift() {
        takeComponent("backup");
        pushAndRevert("Add backups", revision -> {
            APPLICATION.await(
                    "creation of cronjob/backup",
                    () -> Cluster.tryKubectl("get", "cronjob", "backup").exitCode() == 0);
            Cluster.kubectl("create", "job", "backup-now", "--from=cronjob/backup");
            Cluster.kubectl("wait", "--for=condition=Complete", "job/backup-now", "--timeout=2m");
            APPLICATION.awaitRuns(revision);

            Documentation.run("components/backup/README.md", "Restore");
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(revision)).isTrue();
        });
        APPLICATION.awaitRuns(repository.revision());
        // Argo CD does not prune this claim, like redis-data.
        Cluster.kubectl("delete", "persistentvolumeclaim", "redis-backup");
    }

    /** With an Argo CD that tracks by label. Afterwards the numbers of the single Redis are there again, like always. */
    @Test
    @Order(3)
    void redisClusterComesAndGoes() {
        takeComponent("redis-cluster");
        trackBy("\"annotation+label\"");
        pushAndRevert("Redis Cluster", revision -> {
            try {
                APPLICATION.awaitRuns(revision);
                Cluster.awaitTermination();
                String user = Cluster.url(Resource.newPath());
                assertThat(Http.untilAnswered(() -> Http.postWithKey(user, "key")))
                        .isEqualTo("1");
                assertThat(Http.get(user).body()).isEqualTo("1");
                assertThat(Cluster.redisCli("redis-cluster-a-0", "cluster info"))
                        .contains("cluster_state:ok");
                APPLICATION.reconcile();
                assertThat(APPLICATION.runs(revision)).as("Synced and Healthy").isTrue();
                String byArgoCd = "--selector=app.kubernetes.io/instance=" + APPLICATION.name();
                assertThat(Cluster.kubectl("get", "statefulsets", byArgoCd, "--output=name")
                                .lines())
                        .hasSize(3);
            } finally {
                trackBy("null");
            }
        });
        APPLICATION.awaitRuns(repository.revision());
        Cluster.awaitTermination();
        assertThat(Cluster.kubectl("get", "persistentvolumeclaims", "--selector=user-counter/pair", "--output=name")
                        .lines())
                .as("claims that Argo CD leaves to a person")
                .hasSize(6);
    }

    private static void trackBy(String method) {
        Application.kubectl(
                "patch",
                "configmap",
                "argocd-cm",
                "--type=merge",
                "-p{\"data\":{\"application.resourceTrackingMethod\":" + method + "}}");
    }

    /** Git asks for three frontends at least, but only the autoscaler sets their number. */
    @Test
    @Order(3)
    void whatTheAutoscalersDoIsNoDrift() {
        takeComponent("autoscaling");
        repository.edit("base/frontend/deployment.yaml", text -> text.replace("replicas: 2", "replicas: 3"));
        pushAndRevert("Autoscaling", revision -> {
            APPLICATION.await(
                    "the autoscalers' numbers of pods",
                    () -> Cluster.kubectl("get", "deployments", "--output=jsonpath={.items[*].spec.replicas}")
                            .equals("2 3"));
            APPLICATION.awaitRuns(revision);
            assertNothingToDoForTenReconciliations();
        });
    }

    private static void assertNothingToDoForTenReconciliations() {
        String sync = APPLICATION.get("/status/operationState/finishedAt");

        for (int i = 0; i < 10; i++) {
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(repository.revision()))
                    .as("Synced and Healthy after a reconciliation")
                    .isTrue();
        }

        assertThat(APPLICATION.get("/status/operationState/finishedAt"))
                .as("time of the last sync")
                .isEqualTo(sync);
    }

    private static void takeComponent(String name) {
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replace("/minikube\n", "/minikube\n- ../../components/" + name + "\n"));
    }

    /** Pushes the changes, runs a check, and reverts the changes. */
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

    /** A change that must not be served, and the message of the Application about it. */
    enum BadPush {
        NO_YAML("base/backend/service.yaml", "spec:", "spec: [", "service.yaml"),
        NO_KUSTOMIZATION("base/backend/kustomization.yaml", "service.yaml", "no-such-file.yaml", "no-such-file.yaml"),
        AGAINST_THE_SCHEMA("base/backend/deployment.yaml", "replicas: 2", "replicas: two", "replicas"),
        NO_SUCH_IMAGE("overlays/minikube/kustomization.yaml", "newTag: .*", "newTag: no-such-tag", "Degraded"),
        NEVER_READY("base/backend/kustomization.yaml", "@redis:", "@nowhere:", "Degraded"),
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
            // Otherwise Argo CD reports a rollout that hangs only after two minutes.
            repository.edit(
                    "base/backend/deployment.yaml",
                    text -> text.replaceFirst("progressDeadlineSeconds: .*", "progressDeadlineSeconds: 15"));
            Set<String> configMaps = configMaps();
            pushAndRevert("Break it: " + push, revision -> {
                APPLICATION.await(
                        "'" + push.reason + "' in the status",
                        () -> APPLICATION.trouble().contains(push.reason));
                assertThat(configMaps()).as("ConfigMaps of the pods that serve").containsAll(configMaps);
            });
            APPLICATION.awaitRuns(repository.revision());
        });
    }

    @Test
    @Order(4)
    void aPushCannotSwitchOffPodSecurity() {
        String labels = namespaceLabels();
        assertThat(labels).contains("\"pod-security.kubernetes.io/enforce\":\"restricted\"");
        Load.during("bad push: privileged", REQUESTS, () -> {
            repository.edit("base/namespace/namespace.yaml", text -> text.replace("restricted", "privileged"));
            repository.edit(
                    "base/backend/deployment.yaml",
                    text -> text.replace("      enableServiceLinks", "      hostPID: true\n      enableServiceLinks"));
            pushAndRevert("Switch off Pod Security", revision -> {
                APPLICATION.await(
                        "'violates PodSecurity' in the status of the backend",
                        () -> Cluster.kubectl(
                                        "get",
                                        "deployment/backend",
                                        "--output=jsonpath={.status.conditions[?(@.type=='ReplicaFailure')].message}")
                                .contains("violates PodSecurity"));
                assertThat(namespaceLabels()).isEqualTo(labels);
            });
            APPLICATION.awaitRuns(repository.revision());
        });
    }

    private static String namespaceLabels() {
        return Shell.run("kubectl", "get", "namespace", Cluster.NAMESPACE, "--output=jsonpath={.metadata.labels}");
    }

    /** Redis has one pod, and the old one stops before the new one starts. So the service fails, but loses nothing. */
    @Test
    @Order(4)
    void theNextPushRepairsARedisThatCannotStart() {
        repository.edit(
                "base/redis/statefulset.yaml",
                text -> text.replace("secretName: redis-password", "secretName: no-such-secret"));
        pushAndRevert("Break Redis", revision -> {
            APPLICATION.await(
                    "no backend ready", () -> Cluster.pods("backend").stream().noneMatch(Cluster::isReady));
            assertThat(Http.get(Cluster.url(Resource.path("249"))).statusCode()).isEqualTo(503);
        });
    }

    /** An object in the overlay that the project does not allow. */
    enum ForbiddenObject {
        IN_ANOTHER_NAMESPACE("v1", "ConfigMap", "default", "namespace default"),
        OF_ANOTHER_KIND("rbac.authorization.k8s.io/v1", "Role", Cluster.NAMESPACE, ":Role"),
        OF_THE_WHOLE_CLUSTER("rbac.authorization.k8s.io/v1", "ClusterRole", "", ":ClusterRole"),
        A_SECOND_NAMESPACE("v1", "Namespace", "", ":Namespace");

        private final String apiVersion;
        private final String kind;
        private final String namespace;
        private final String reason;

        ForbiddenObject(String apiVersion, String kind, String namespace, String reason) {
            this.apiVersion = apiVersion;
            this.kind = kind;
            this.namespace = namespace;
            this.reason = reason;
        }
    }

    @Test
    @Order(5)
    void theProjectRejectsForbiddenObjects() {
        for (ForbiddenObject stranger : ForbiddenObject.values()) {
            String file = stranger.name() + ".yaml";
            repository.write(
                    "overlays/minikube/" + file, """
                        apiVersion: %s
                        kind: %s
                        metadata: {name: stranger, labels: {stranger: "%s"}}
                        """.formatted(stranger.apiVersion, stranger.kind, stranger.namespace));
            addToOverlay(file);
        }
        // After Kustomize has set the namespace of the overlay.
        repository.edit("overlays/minikube/kustomization.yaml", text -> text + """

                replacements:
                  - source: {kind: ConfigMap, name: stranger, fieldPath: metadata.labels.stranger}
                    targets:
                      - select: {kind: ConfigMap, name: stranger}
                        fieldPaths: [metadata.namespace]
                """);
        pushAndRevert("Add strangers", revision -> {
            for (ForbiddenObject stranger : ForbiddenObject.values()) {
                String reason = stranger.reason + " is not permitted in project";
                APPLICATION.await(
                        "'" + reason + "' in the status",
                        () -> APPLICATION.trouble().contains(reason));
                assertThat(Shell.attempt(
                                        "kubectl",
                                        "get",
                                        stranger.kind,
                                        "stranger",
                                        "--namespace=" + stranger.namespace)
                                .output())
                        .contains("NotFound");
            }
        });
    }

    /** Adds a file to the resources of the overlay. */
    private static void addToOverlay(String file) {
        repository.edit(
                "overlays/minikube/kustomization.yaml",
                text -> text.replace("- ../../base\n", "- ../../base\n- " + file + "\n"));
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
                        .substring(application.lastIndexOf("---"))
                        .replace("  name: " + APPLICATION.name(), "  name: stranger")
                        .replace(repository.url(), repository.url().replace(".git", "-of-a-stranger.git"))
                        .replaceFirst("  finalizers:\n.*\n", ""));
        Shell.run("kubectl", "create", "--filename=" + manifest);
        try {
            stranger.await(
                    "'not permitted in project' in the status",
                    () -> stranger.trouble().contains("not permitted in project"));
        } finally {
            Application.kubectl("delete", "application", "stranger");
        }
    }

    @Test
    @Order(6)
    void nothingDiffersFromGitForTenReconciliations() {
        Documentation.run("docs/argocd.md", "Old ConfigMaps", "ENVIRONMENT=minikube NAMESPACE=" + Cluster.NAMESPACE);
        assertThat(configMaps())
                .containsExactlyInAnyOrderElementsOf(Cluster.kubectl(
                                "get",
                                "-k",
                                repository.folder().resolve("overlays/minikube").toString(),
                                "--output=name")
                        .lines()
                        .filter(name -> name.startsWith("configmap/"))
                        .toList());
        assertNothingToDoForTenReconciliations();
        Shell.run(
                "kubectl",
                "diff",
                "--server-side",
                "--force-conflicts",
                "--selector=!pod-security.kubernetes.io/enforce", // not the namespace: the Application omits it
                "-k",
                repository.folder().resolve("overlays/minikube").toString());
    }

    @Test
    @Order(7)
    void deletingTheApplicationDeletesNothingUntilAPersonConfirms() {
        Application.kubectl("delete", "application", APPLICATION.name(), "--wait=false");
        String deployed = deployed();
        Cluster.assertNever(
                "the deletion",
                Duration.ofSeconds(15),
                () -> !APPLICATION.exists() || !deployed().equals(deployed));

        // To cancel the deletion, remove the finalizer and apply the Application again.
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
        return deployed(Cluster.NAMESPACE);
    }

    private static String deployed(String namespace) {
        return Cluster.kubectlIn(
                namespace,
                "get",
                "all,persistentvolumeclaims,networkpolicies",
                "--output=jsonpath={.items[*].metadata.uid}");
    }

    /**
     * Both environments are deployed from one repository, and share nothing else. The second one has a gateway where the
     * cluster has one.
     */
    @Test
    @Order(8)
    void anotherEnvironmentComesAndGoesAndTheFirstOneStays() {
        Application staging = new Application("user-counter-staging");
        Exclusively gateway = new Exclusively("gateway");
        try {
            Documentation.run(
                    "docs/argocd.md",
                    "Another environment",
                    "cd '%s'; ENVIRONMENT=minikube".formatted(repository.folder()));
            if (Gateway.isInstalled()) {
                repository.edit(
                        "overlays/staging/kustomization.yaml",
                        text -> text.replace("- ../../base\n", "- ../../tests/overlays/gateway\n")
                                .replaceFirst("components:\n(- .*\n)+", ""));
                repository.push("A gateway for staging");
            }
            staging.awaitRuns(repository.revision());
            APPLICATION.awaitRuns(repository.revision());
            String user = Resource.newPath();
            String stagingUser = Cluster.url(staging.name(), user);
            assertThat(Http.untilAnswered(() -> Http.postWithKey(stagingUser, "key")))
                    .isEqualTo("1");
            assertThat(Http.get(Cluster.url(user)).body()).isEqualTo("0");

            deleteConfirmed(staging);
            assertThat(deployed(staging.name())).isEmpty();
            APPLICATION.reconcile();
            assertThat(APPLICATION.runs(repository.revision())).isTrue();
        } finally {
            if (staging.exists()) {
                staging.removeFinalizers();
            }
            Shell.run(
                    "kubectl",
                    "delete",
                    "-k",
                    repository.folder().resolve("argocd/staging").toString(),
                    "--ignore-not-found");
            gateway.end();
        }
    }

    /** To another folder, project and URL of the repository, too. */
    @Test
    @Order(9)
    void anEnvironmentIsRenamedWithoutAFailedRequest() {
        Set<String> pods = pods();
        String url = repository.url();
        repository.edit(
                "argocd/base/application.yaml",
                text -> text.replace(url, url.endsWith(".git") ? url.replaceFirst("\\.git$", "") : url + ".git"));
        Load.during("a rename of the environment", REQUESTS, () -> {
            Documentation.run(
                    "docs/argocd.md",
                    "Rename or move an environment",
                    "cd '%s'; OLD=minikube NEW=production".formatted(repository.folder()));
            RENAMED.awaitRuns(repository.revision());
        });

        assertThat(pods()).isEqualTo(pods);
        assertThat(RENAMED.get("/spec/syncPolicy/syncOptions")).contains("FailOnSharedResource=true");
        assertThat(APPLICATION.exists()).isFalse();
        counts.assertKept();
    }

    /** Also the claims of Redis Cluster, which Argo CD leaves. */
    @Test
    @Order(10)
    void theCommandsForADeletionDeleteEverything() {
        String deleted = Documentation.run(
                "docs/argocd.md",
                "Delete an environment",
                "cd '%s'; ENVIRONMENT=production NAMESPACE=%s".formatted(repository.folder(), Cluster.NAMESPACE));

        assertThat(deleted.lines().filter(line -> line.startsWith("persistentvolumeclaim \"data-redis-cluster-")))
                .hasSize(6);
        assertThat(RENAMED.exists()).isFalse();
        assertThat(Shell.attempt("kubectl", "get", "namespace", Cluster.NAMESPACE)
                        .output())
                .contains("NotFound");
    }

    private static void deleteConfirmed(Application application) {
        Application.kubectl("delete", "application", application.name(), "--wait=false");
        Application.kubectl(
                "annotate",
                "application",
                application.name(),
                "argocd.argoproj.io/deletion-approved="
                        + Instant.now().truncatedTo(ChronoUnit.SECONDS).plusSeconds(1));
        Cluster.await(
                "deletion of the Application and its objects", Duration.ofMinutes(3), () -> !application.exists());
    }
}
