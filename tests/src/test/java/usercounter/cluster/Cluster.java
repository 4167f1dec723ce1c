package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.V1ContainerStatus;
import io.kubernetes.client.openapi.models.V1Node;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.util.Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The cluster of the current kubeconfig, and the application in it. */
final class Cluster {

    static final String NAMESPACE = "user-counter";

    private static final CoreV1Api CORE = new CoreV1Api(client());

    private Cluster() {}

    private static ApiClient client() {
        try {
            return Config.defaultClient();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs kubectl in the application's namespace; it has to succeed. */
    static String kubectl(String... arguments) {
        return Shell.run(command(arguments));
    }

    /** Runs kubectl in the application's namespace; it may fail. */
    static Shell.Result tryKubectl(String... arguments) {
        return Shell.attempt(command(arguments));
    }

    private static String[] command(String... arguments) {
        List<String> command = new ArrayList<>(List.of("kubectl", "--namespace", NAMESPACE));
        command.addAll(Arrays.asList(arguments));
        return command.toArray(String[]::new);
    }

    /** Asks Redis, past the service; what it answers must be no error. */
    static String redisCli(String command) {
        return redisCli("redis-0", command);
    }

    /** The same of another pod than the base's. */
    static String redisCli(String pod, String command) {
        return kubectl(inRedis(pod, command));
    }

    /** The same, but it may fail. */
    static Shell.Result tryRedisCli(String pod, String command) {
        return tryKubectl(inRedis(pod, command));
    }

    private static String[] inRedis(String pod, String command) {
        return new String[] {
            "exec",
            pod,
            "--container=redis",
            "--",
            "sh",
            "-c",
            "REDISCLI_AUTH=$(cat /run/secrets/redis/password) redis-cli -e " + command
        };
    }

    /** The pods of a component that are not about to end. */
    static List<V1Pod> pods(String name) {
        return podsAndEnding("app.kubernetes.io/name=" + name).stream()
                .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                .toList();
    }

    private static List<V1Pod> podsAndEnding(String selector) {
        try {
            return CORE.listNamespacedPod(NAMESPACE)
                    .labelSelector(selector)
                    .execute()
                    .getItems();
        } catch (ApiException e) {
            throw new IllegalStateException(e.getResponseBody(), e);
        }
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

    /** Kills the one container of a pod with SIGKILL, and waits until it is back. */
    static void killContainer(V1Pod pod) {
        V1ContainerStatus container = pod.getStatus().getContainerStatuses().get(0);
        String id = container.getContainerID().replaceFirst(".*://", "");
        ssh(pod.getSpec().getNodeName(), "sudo crictl stop --timeout=0 " + id);
        await("the container's restart", Duration.ofMinutes(2), () -> {
            V1Pod now = pod(pod.getMetadata().getNamespace(), pod.getMetadata().getName());
            return isReady(now)
                    && now.getStatus().getContainerStatuses().get(0).getRestartCount() > container.getRestartCount();
        });
    }

    static void ssh(String node, String command) {
        Shell.run("minikube", "ssh", "--node", node, command);
    }

    /** Skips a test where there is one node only; in CI there are more. */
    static void assumeSecondNode() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(nodes()).as("a second node").hasSizeGreaterThan(1);
        }
    }

    /** Waits until every node says anew that it is ready: for a while the last word of a broken one still stands. */
    static void awaitNodes() {
        Instant now = Instant.now();
        await(
                "every node ready",
                Duration.ofMinutes(3),
                () -> nodes().stream()
                        .allMatch(node -> isReady(node) && lastSign(node).isAfter(now)));
    }

    private static Instant lastSign(V1Node node) {
        return Instant.parse(Shell.run(
                "kubectl",
                "--namespace=kube-node-lease",
                "get",
                "lease",
                node.getMetadata().getName(),
                "--output=jsonpath={.spec.renewTime}"));
    }

    /** The URL of a path at the load balancer's address. */
    static String url(String path) {
        return "http://" + kubectl("get", "service", "nginx", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
                + path;
    }

    /** Waits until every Deployment and StatefulSet is as it should be. */
    static void awaitRollouts() {
        for (String workload : kubectl("get", "statefulsets,deployments", "--output=name")
                .lines()
                .toList()) {
            kubectl("rollout", "status", workload, "--timeout=5m");
        }
    }

    /** Waits until every pod that was told to end has ended; a rollout does not wait for that. */
    static void awaitEnds() {
        await(
                "the end of old pods",
                Duration.ofMinutes(3),
                () -> podsAndEnding("").stream()
                        .allMatch(pod -> pod.getMetadata().getDeletionTimestamp() == null));
    }

    /** Fails if it comes about within this time: for what should not, and nothing but time can tell. */
    static void assertNever(String what, Duration time, BooleanSupplier condition) {
        assertThatThrownBy(() -> await(what, time, condition)).hasMessageContaining(what);
    }

    static void await(String what, Duration patience, BooleanSupplier condition) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("Not within " + patience + ": " + what);
            }
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }
}
