package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Repository;

/** Only the connections in README's architecture are possible. */
@Order(3)
@ExtendWith(Deployed.class)
class NetworkPolicyIT {

    private static final String FOREIGN = "user-counter-foreign";

    /** A pod with the label of a component, or without. It is never ready, so the Service sends no requests to it. */
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: probe-%1$s, namespace: %2$s, labels: {app.kubernetes.io/name: %1$s, probe: "true"}}
            spec:
              automountServiceAccountToken: false
              enableServiceLinks: false
              terminationGracePeriodSeconds: 0
              securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
              containers:
                - name: probe
                  image: %3$s:dev
                  imagePullPolicy: IfNotPresent
                  command: [sleep, infinity]
                  readinessProbe: {exec: {command: ["false"]}}
                  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
            ---
            """;

    private static final Map<String, String> SOURCES = Map.of(
            "frontend", Cluster.NAMESPACE,
            "backend", Cluster.NAMESPACE,
            "redis", Cluster.NAMESPACE,
            "stranger", Cluster.NAMESPACE,
            "foreigner", FOREIGN);

    @BeforeAll
    static void startProbes(@TempDir Path folder) throws IOException {
        Shell.run("kubectl", "create", "namespace", FOREIGN);
        StringBuilder pods = new StringBuilder();
        SOURCES.forEach((name, namespace) -> pods.append(POD.formatted(name, namespace, Repository.image())));
        Path file = Files.writeString(folder.resolve("probes.yaml"), pods);
        Shell.run("kubectl", "apply", "-f", file.toString());
        SOURCES.forEach((name, namespace) -> Shell.run(
                "kubectl",
                "--namespace=" + namespace,
                "wait",
                "--for=jsonpath={.status.phase}=Running",
                "pod/probe-" + name,
                "--timeout=2m"));
    }

    @AfterAll
    static void stopProbes() {
        Shell.run("kubectl", "delete", "namespace", FOREIGN);
        Cluster.kubectl("delete", "pods", "--selector=probe=true");
    }

    /** "outside" is the machine of this test. */
    @Test
    void onlyTheDrawnConnectionsArePossible() throws IOException {
        try (ServerSocket outside = new ServerSocket(0)) {
            assertConnections(outside);
        }
    }

    private static void assertConnections(ServerSocket outside) throws IOException {
        Map<String, String> targets = Map.of(
                "frontend:8080", address("frontend") + "/8080",
                "frontend:8081", address("frontend") + "/8081",
                "backend:1323", address("backend") + "/1323",
                "redis:6379", address("redis") + "/6379",
                "api-server:443",
                        Shell.run("kubectl", "get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
                                + "/443",
                "outside", addressTowardsTheCluster() + "/" + outside.getLocalPort());
        Set<String> drawn = new TreeSet<>(Set.of(
                "frontend -> backend:1323",
                "frontend -> dns",
                "backend -> redis:6379",
                "backend -> dns",
                // A pod without egress policies reaches every target that allows it.
                "foreigner -> frontend:8080",
                "foreigner -> api-server:443",
                "foreigner -> outside",
                "foreigner -> dns",
                // Through the Service, since the address of a pod cannot be reached from a laptop.
                "outside -> nginx:80"));

        // A policy needs some time until it applies to a new pod.
        Set<String> connected = new TreeSet<>();
        try {
            Cluster.await("the drawn connections", Duration.ofMinutes(1), () -> {
                connected.clear();
                SOURCES.forEach((name, namespace) -> connected.addAll(connections(name, namespace, targets)));
                connected.addAll(connectionsFromOutside());
                return connected.equals(drawn);
            });
        } catch (AssertionError e) {
            assertThat(connected)
                    .as("connections; the cluster must enforce NetworkPolicies, as after 'minikube start --cni=calico'")
                    .isEqualTo(drawn);
        }
    }

    /** The address of this machine from the view of the cluster. */
    private static String addressTowardsTheCluster() {
        return Http.ownAddressTowards(loadBalancer(), 80);
    }

    private static String loadBalancer() {
        return URI.create(Cluster.url("")).getHost();
    }

    private static Set<String> connectionsFromOutside() {
        Set<String> connections = new TreeSet<>();
        Map.of(
                        "nginx:80", new InetSocketAddress(loadBalancer(), 80),
                        "frontend:8081", new InetSocketAddress(address("frontend"), 8081),
                        "backend:1323", new InetSocketAddress(address("backend"), 1323),
                        "redis:6379", new InetSocketAddress(address("redis"), 6379))
                .forEach((target, address) -> {
                    try (Socket socket = new Socket()) {
                        socket.connect(address, 3_000);
                        connections.add("outside -> " + target);
                    } catch (IOException e) {
                        // Refused or dropped: not connected.
                    }
                });
        return connections;
    }

    private static String address(String name) {
        return Cluster.pods(name).stream()
                .filter(Cluster::isReady)
                .findFirst()
                .orElseThrow()
                .getStatus()
                .getPodIP();
    }

    private static Set<String> connections(String name, String namespace, Map<String, String> targets) {
        StringBuilder script = new StringBuilder();
        targets.forEach((target, address) ->
                script.append("(timeout 3 bash -c 'exec 3<>/dev/tcp/%s' && echo '%s -> %s') 2>/dev/null & "
                        .formatted(address, name, target)));
        script.append(
                "(timeout 5 getent hosts kubernetes.default.svc.cluster.local >/dev/null && echo '%s -> dns') & wait"
                        .formatted(name));
        String output = Shell.run(
                "kubectl", "--namespace=" + namespace, "exec", "probe-" + name, "--", "bash", "-c", script.toString());
        return new TreeSet<>(output.lines().toList());
    }
}
