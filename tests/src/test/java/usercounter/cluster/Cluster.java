package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.google.gson.JsonElement;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.Pair;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.V1ContainerStatus;
import io.kubernetes.client.openapi.models.V1Node;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.util.Config;
import jakarta.json.Json;
import jakarta.json.JsonReader;
import jakarta.json.JsonStructure;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import usercounter.Repository;

/** The cluster of the current kubeconfig and the application in it. */
final class Cluster {

    static final String NAMESPACE = Repository.NAMESPACE;

    static final ApiClient CLIENT = client();

    private static final CoreV1Api CORE = new CoreV1Api(CLIENT);

    private Cluster() {}

    private static ApiClient client() {
        try {
            return Config.defaultClient();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs kubectl in the application's namespace. Fails if kubectl fails. */
    static String kubectl(String... arguments) {
        return kubectlIn(NAMESPACE, arguments);
    }

    /** Runs kubectl in another namespace. Fails if kubectl fails. */
    static String kubectlIn(String namespace, String... arguments) {
        return Shell.run(command(namespace, arguments));
    }

    /** Runs kubectl in the application's namespace. kubectl may fail. */
    static Shell.Result tryKubectl(String... arguments) {
        return Shell.attempt(command(NAMESPACE, arguments));
    }

    private static String[] command(String namespace, String... arguments) {
        List<String> command = new ArrayList<>(List.of("kubectl", "--namespace", namespace));
        command.addAll(Arrays.asList(arguments));
        return command.toArray(String[]::new);
    }

    /** Runs a command in Redis directly. Fails if Redis replies with an error. */
    static String redisCli(String command) {
        return redisCli("redis-0", command);
    }

    /** Runs a command in the Redis of another pod than redis-0. */
    static String redisCli(String pod, String command) {
        return kubectl(inRedis(pod, "redis-cli -e " + command));
    }

    /** Runs a command in the Redis of a pod. It may fail. */
    static Shell.Result tryRedisCli(String pod, String command) {
        return tryInRedis(pod, "redis-cli -e " + command);
    }

    /** Runs a script in the Redis container of a pod. In the script, redis-cli has the password. It may fail. */
    static Shell.Result tryInRedis(String pod, String script) {
        return tryKubectl(inRedis(pod, script));
    }

    /** Runs a command in a new pod without labels, which it deletes again. The command may fail. */
    static Shell.Result tryInNewPod(String namespace, String... command) {
        List<String> arguments = new ArrayList<>(List.of(
                "run",
                "stranger",
                "--image=docker.io/library/busybox:stable",
                "--image-pull-policy=IfNotPresent",
                "--restart=Never",
                "--rm",
                "--attach",
                "--quiet",
                "--"));
        arguments.addAll(List.of(command));
        return Shell.attempt(command(namespace, arguments.toArray(String[]::new)));
    }

    /** The token from which Redis's passwords derive, in Base64. */
    static String redisToken() {
        return kubectl("get", "secret", "redis-password", "--output=jsonpath={.data.token}");
    }

    private static String[] inRedis(String pod, String script) {
        return new String[] {
            "exec",
            pod,
            "--container=redis",
            "--",
            "sh",
            "-c",
            "export REDISCLI_AUTH=$(cat /run/secrets/redis/password); " + script
        };
    }

    /** The pods of a component that are not terminating. */
    static List<V1Pod> pods(String name) {
        return podsIncludingTerminating("app.kubernetes.io/name=" + name).stream()
                .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                .toList();
    }

    static List<V1Pod> podsIncludingTerminating(String selector) {
        try {
            return CORE.listNamespacedPod(NAMESPACE)
                    .labelSelector(selector)
                    .execute()
                    .getItems();
        } catch (ApiException e) {
            throw new IllegalStateException(e.getResponseBody(), e);
        }
    }

    /**
     * Deletes pods, and waits until they are gone. {@code kubectl delete} itself may wait forever for a pod that a
     * StatefulSet creates again under the same name.
     *
     * @param arguments names, a selector or {@code --all}, and flags
     * @see <a href="https://github.com/kubernetes/kubernetes/issues/135562">Kubernetes issue 135562</a>
     */
    static void deletePods(String... arguments) {
        Set<String> before = terminating();
        kubectl(Stream.concat(Stream.of("delete", "pods", "--wait=false"), Stream.of(arguments))
                .toArray(String[]::new));
        Set<String> deleted = terminating();
        deleted.removeAll(before);
        await("end of deleted pods", Duration.ofMinutes(3), () -> Collections.disjoint(terminating(), deleted));
    }

    /** The UIDs of the pods that are terminating. */
    private static Set<String> terminating() {
        return podsIncludingTerminating("").stream()
                .map(V1Pod::getMetadata)
                .filter(pod -> pod.getDeletionTimestamp() != null)
                .map(V1ObjectMeta::getUid)
                .collect(Collectors.toSet());
    }

    static V1Pod pod(String namespace, String name) {
        try {
            return CORE.readNamespacedPod(name, namespace).execute();
        } catch (ApiException e) {
            throw new IllegalStateException(e.getResponseBody(), e);
        }
    }

    static List<V1Node> nodes() {
        try {
            return CORE.listNode().execute().getItems();
        } catch (ApiException e) {
            throw new IllegalStateException(e.getResponseBody(), e);
        }
    }

    static boolean isReady(V1Pod pod) {
        return Optional.ofNullable(pod.getStatus().getConditions()).orElse(List.of()).stream()
                .anyMatch(condition -> condition.getType().equals("Ready")
                        && condition.getStatus().equals("True"));
    }

    static boolean isReady(V1Node node) {
        return node.getStatus().getConditions().stream()
                .anyMatch(condition -> condition.getType().equals("Ready")
                        && condition.getStatus().equals("True"));
    }

    /** Kills the only container of a pod with SIGKILL, and waits until it is ready again. */
    static void killContainer(V1Pod pod) {
        V1ContainerStatus container = pod.getStatus().getContainerStatuses().get(0);
        String id = container.getContainerID().replaceFirst(".*://", "");
        ssh(pod.getSpec().getNodeName(), "sudo crictl stop --timeout=0 " + id);
        await("restart of the container of " + pod.getMetadata().getName(), Duration.ofMinutes(2), () -> {
            V1Pod now = pod(pod.getMetadata().getNamespace(), pod.getMetadata().getName());
            return isReady(now)
                    && now.getStatus().getContainerStatuses().get(0).getRestartCount() > container.getRestartCount();
        });
    }

    static void ssh(String node, String command) {
        Shell.run("minikube", "ssh", "--node", node, command);
    }

    /** Skips a test if the cluster has only one node. With CI=true the test is not skipped. */
    static void assumeSecondNode() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(nodes()).as("nodes; this test needs two").hasSizeGreaterThan(1);
        }
    }

    /** Waits until every node reports again that it is ready. The last report of a failed node is valid for a while. */
    static void awaitNodes() {
        Instant now = Instant.now();
        await(
                "every node is ready",
                Duration.ofMinutes(3),
                () -> nodes().stream()
                        .allMatch(node -> isReady(node) && lastReport(node).isAfter(now)));
    }

    private static Instant lastReport(V1Node node) {
        return Instant.parse(Shell.run(
                "kubectl",
                "--namespace=kube-node-lease",
                "get",
                "lease",
                node.getMetadata().getName(),
                "--output=jsonpath={.spec.renewTime}"));
    }

    /** The URL of a path at the address of the load balancer, or of the one before the gateway if there is one. */
    static String url(String path) {
        return url(NAMESPACE, path);
    }

    /** The URL of a path in another environment. */
    static String url(String namespace, String path) {
        String[] service = kubectlIn(
                        namespace,
                        "get",
                        "service",
                        "nginx",
                        "--output=jsonpath={.spec.type} {.status.loadBalancer.ingress[0].ip}")
                .split(" ", -1);
        return (service[0].equals("ClusterIP") ? "https://" + Gateway.address() : "http://" + service[1]) + path;
    }

    /**
     * The JSON that a Service answers to a GET. Through the API server, since a laptop does not reach the address of a pod.
     *
     * @param service name and port
     * @throws IllegalArgumentException if the status is not 200
     */
    static JsonStructure get(String namespace, String service, String path, Pair... parameters) {
        try {
            String answer = CLIENT.<JsonElement>execute(
                            CLIENT.buildCall(
                                    null,
                                    "/api/v1/namespaces/%s/services/%s/proxy%s".formatted(namespace, service, path),
                                    "GET",
                                    List.of(parameters),
                                    List.of(),
                                    null,
                                    new HashMap<>(),
                                    new HashMap<>(),
                                    new HashMap<>(),
                                    new String[] {"BearerToken"},
                                    null),
                            JsonElement.class)
                    .getData()
                    .toString();
            try (JsonReader reader = Json.createReader(new StringReader(answer))) {
                return reader.read();
            }
        } catch (ApiException e) {
            throw new IllegalArgumentException(path + " " + List.of(parameters) + ": " + e.getResponseBody(), e);
        }
    }

    /** Waits until the rollouts of every Deployment and StatefulSet are complete. */
    static void awaitRollouts() {
        kubectl(
                "rollout",
                "status",
                "statefulsets,deployments",
                "--selector=app.kubernetes.io/part-of=user-counter",
                "--timeout=5m");
    }

    /** Waits until every terminating pod is gone. A rollout is complete before that. */
    static void awaitTermination() {
        await(
                "no pod is terminating",
                Duration.ofMinutes(3),
                () -> terminating().isEmpty());
    }

    /** Waits until a line in the log of nginx contains this text. nginx writes it at most a second after the request. */
    static void awaitLineOfFrontend(String text) {
        await(
                "line of nginx with " + text,
                Duration.ofSeconds(30),
                () -> kubectl("logs", "--selector=app.kubernetes.io/name=frontend", "--tail=-1")
                        .contains(text));
    }

    /** Fails if the condition becomes true within this time. */
    static void assertNever(String what, Duration time, BooleanSupplier condition) {
        assertThatThrownBy(() -> await(what, time, Duration.ofMillis(200), condition))
                .hasMessageContaining(what);
    }

    /** Looks less and less often, at least once a second: each look is a process, and the pods need the CPU. */
    static void await(String what, Duration patience, BooleanSupplier condition) {
        await(what, patience, Duration.ofSeconds(1), condition);
    }

    private static void await(String what, Duration patience, Duration longestPause, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            long waited = System.nanoTime() - start;
            if (waited > patience.toNanos()) {
                throw new AssertionError("Waited %d s in vain for: %s".formatted(patience.toSeconds(), what));
            }
            LockSupport.parkNanos(
                    Math.min(longestPause.toNanos(), Duration.ofMillis(50).toNanos() + waited / 4));
        }
    }
}
