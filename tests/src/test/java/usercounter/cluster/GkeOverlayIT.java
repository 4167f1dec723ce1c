package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * overlays/gke with the local image and the rate limit, on a cluster with its storage class and zones, after the documented
 * clean-up.
 */
@Order(7)
@ExtendWith(Deployed.class)
class GkeOverlayIT {

    private static final String ZONE = "topology.kubernetes.io/zone";

    private static boolean applied;

    /** Otherwise the claim of overlays/minikube would remain, and its storage class cannot be changed. */
    @AfterAll
    static void removeEverything() {
        if (applied) {
            Shell.run("kubectl", "delete", "namespace", Cluster.NAMESPACE);
        }
    }

    @Test
    void isUpAndAnswers() {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(Shell.attempt("kubectl", "get", "storageclass", "premium-rwo")
                            .exitCode())
                    .as("exit code for the storage class premium-rwo, which this test needs")
                    .isZero();
            assumeThat(Cluster.nodes())
                    .as("nodes; this test needs nodes with zones")
                    .allMatch(node -> node.getMetadata().getLabels().containsKey(ZONE));
        }
        Documentation.run("docs/minikube.md", "Clean up");
        assertThat(Cluster.tryKubectl("get", "namespace", Cluster.NAMESPACE).output())
                .contains("NotFound");

        Shell.run("kubectl", "apply", "-k", "tests/overlays/gke");
        applied = true;
        Cluster.awaitRollouts();
        Cluster.await(
                "address of the Service nginx",
                Duration.ofMinutes(2),
                () -> !Cluster.url("").equals("http://"));

        Map<String, String> zones = Cluster.nodes().stream()
                .collect(Collectors.toMap(
                        node -> node.getMetadata().getName(),
                        node -> node.getMetadata().getLabels().get(ZONE)));
        String url = urlOfANode();
        assertThat(Http.post(url + Resource.path("249")).body()).isEqualTo("1");
        assertThat(Cluster.kubectl(
                        "get",
                        "persistentvolumeclaim",
                        "redis-data",
                        "-o",
                        "jsonpath={.spec.storageClassName} {.status.phase}"))
                .isEqualTo("premium-rwo Bound");
        for (String name : new String[] {"frontend", "backend"}) {
            assertThat(Cluster.pods(name)).hasSize(3).allMatch(Cluster::isReady);
            assertThat(Cluster.pods(name).stream()
                            .map(pod -> zones.get(pod.getSpec().getNodeName()))
                            .collect(Collectors.toSet()))
                    .as("zones of the pods of " + name)
                    .hasSize(Math.min(3, Set.copyOf(zones.values()).size()));
        }
        assertWhoSendsTooMuchIsRefused(url);
        assertTheDiskGrows();
    }

    /** The load balancer's way with {@code externalTrafficPolicy: Local}: directly to a node that has a frontend. */
    private static String urlOfANode() {
        return "http://%s:%s"
                .formatted(
                        Cluster.pods("frontend").get(0).getStatus().getHostIP(),
                        Cluster.kubectl("get", "service", "nginx", "-o", "jsonpath={.spec.ports[0].nodePort}"));
    }

    private static void assertWhoSendsTooMuchIsRefused(String url) {
        AtomicReference<HttpResponse<String>> refused = new AtomicReference<>();
        Clients clients = new Clients(n -> {
            HttpResponse<String> answer = Http.get(url + Resource.path("249"));
            if (answer.statusCode() != 200) {
                refused.set(answer);
            }
        });
        try {
            Cluster.await("a refusal", Duration.ofMinutes(1), () -> refused.get() != null);
            assertThat(Http.get(url + "/healthz").statusCode()).isEqualTo(200);
        } finally {
            clients.stop();
        }
        assertThat(refused.get().statusCode()).isEqualTo(429);
        assertThat(refused.get().headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(refused.get().headers().firstValue("Retry-After")).contains("1");
        assertThat(Http.untilAnswered(() -> Http.get(url + Resource.path("249"))))
                .isEqualTo("1");
        Cluster.awaitLineOfFrontend("\"remote_addr\":\"" + ownAddress(url) + "\",\"method\":\"POST\",\"uri\":\""
                + Resource.path("249") + "\"");
    }

    /** The address from which this machine reaches a URL. */
    private static String ownAddress(String url) {
        URI uri = URI.create(url);
        return Http.ownAddressTowards(uri.getHost(), uri.getPort());
    }

    /** Part of the last test: minikube's storage class does not let claims grow, and no claim can shrink again. */
    private static void assertTheDiskGrows() {
        Cluster.kubectl(
                "patch",
                "persistentvolumeclaim",
                "redis-data",
                "--patch={\"spec\":{\"resources\":{\"requests\":{\"storage\":\"11Gi\"}}}}");

        assertThat(Cluster.kubectl(
                        "get",
                        "persistentvolumeclaim",
                        "redis-data",
                        "-o",
                        "jsonpath={.spec.resources.requests.storage}"))
                .isEqualTo("11Gi");
    }
}
