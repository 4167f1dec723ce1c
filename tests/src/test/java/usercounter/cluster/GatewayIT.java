package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code components/gateway} and {@code components/gateway-cert-manager} with Traefik, cert-manager, and Pebble, an ACME
 * server. Pebble's certificates expire after 90 s, so cert-manager renews them once a minute during all of these tests.
 */
@Order(4)
@ExtendWith(Deployed.class)
class GatewayIT {

    @TempDir
    private static Path folder;

    /** GitOpsIT has an environment with the same host. */
    private static Exclusively gateway;

    private static Counts counts;
    private static String oldWayIn;

    @BeforeAll
    static void takeTheComponents() throws IOException {
        if ("true".equals(System.getenv("CI"))) {
            Cluster.await("Traefik, which CI installs last", Duration.ofMinutes(25), Gateway::isInstalled);
        } else {
            assumeThat(Gateway.isInstalled())
                    .as("whether there is the GatewayClass of Traefik (see CONTRIBUTING.md)")
                    .isTrue();
        }
        gateway = new Exclusively("gateway");
        counts = new Counts();
        oldWayIn = URI.create(Cluster.url("/")).getHost();
        issueShortCertificates();

        Documentation.run("components/gateway/README.md", "Use", "OVERLAY=gateway");
        Documentation.run("components/gateway-cert-manager/README.md", "Use");
        Cluster.awaitTermination();
    }

    private static void issueShortCertificates() {
        Shell.run("bash", "-euo", "pipefail", "-c", """
                kubectl -n pebble get configmap pebble -o yaml |
                  sed 's/{"pebble": {/{"pebble": {"profiles": {"short": {"description": "90 s", "validityPeriod": 90}}, /' |
                  kubectl replace -f -
                kubectl -n pebble rollout restart deployment/pebble
                kubectl -n pebble rollout status deployment/pebble --timeout=2m""");
    }

    @AfterAll
    static void takeThemBack() {
        if (counts != null) {
            Documentation.run("components/gateway-cert-manager/README.md", "Go back");
            Documentation.run("components/gateway/README.md", "Go back");
            Cluster.awaitRollouts();
            Cluster.awaitTermination();
            counts.assertKept();
            gateway.end();
        }
    }

    @Test
    void theHostAnswersWithItsCertificate() throws IOException {
        String user = url(Resource.newPath());

        assertThat(curl(443, "--request", "POST", user)).isEqualTo("1");
        assertThat(curl(443, user)).isEqualTo("1");
        assertThat(curl(443, url("/healthz"))).isEqualTo("✓");
        assertThat(curl(443, "--dump-header", "-", user))
                .containsIgnoringCase("strict-transport-security: max-age=31536000");
        counts.assertKept();
    }

    @Test
    void thePageAndTheReferenceAreServed() throws IOException {
        assertThat(curl(443, url("/"))).contains("<title>");
        assertThat(curl(443, url("/page.css"))).isNotEmpty();
        assertThat(curl(443, url("/page.js"))).isNotEmpty();
        assertThat(curl(443, "--location", url("/docs"))).contains("<title>");
        assertThat(curl(443, url("/openapi"))).contains("url: /");
    }

    @Test
    void nothingBelowTls12IsSpoken() {
        // The client would speak TLS 1.1: the server's alert shows that it was asked.
        assertThatThrownBy(() -> curl(443, "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", url("/healthz")))
                .hasMessageContaining("alert protocol version");
    }

    @Test
    void plainHttpIsRedirectedAndCountsNothing() throws IOException {
        String path = Resource.newPath();

        assertThat(curl(80, "--dump-header", "-", "--request", "POST", "http://" + Gateway.HOST + path))
                .startsWith("HTTP/1.1 301 ")
                .containsIgnoringCase("location: " + url(path) + "\r\n");
        assertThat(curl(443, url(path))).isEqualTo("0");
    }

    @Test
    void anotherHostAndOtherPathsAreRefused() throws IOException {
        assertRefused("--header", "Host: other", url("/healthz"));
        for (String path : List.of("/metrics", "/health", "/openapi/ui/", "/ibm/api")) {
            assertRefused(url(path));
        }
    }

    /** By the gateway, not by nginx, whose 404 is a problem document. */
    private static void assertRefused(String... request) throws IOException {
        String[] status = {"--write-out", " %{http_code} %{content_type}"};
        assertThat(curl(443, Stream.of(status, request).flatMap(Stream::of).toArray(String[]::new)))
                .contains(" 404 ")
                .doesNotContain("problem+json");
    }

    @Test
    void theOldWayInIsClosed() throws IOException {
        try (Socket socket = new Socket()) {
            assertThatThrownBy(() -> socket.connect(new InetSocketAddress(oldWayIn, 80), 3_000))
                    .isInstanceOf(IOException.class);
        }
        assertThat(askNginx(Gateway.NAMESPACE)).contains("✓");
        assertThat(askNginx("default")).contains("timed out");
    }

    /** What a pod in a namespace gets from nginx, past the gateway. */
    private static String askNginx(String namespace) {
        return Cluster.tryInNewPod(namespace, "wget", "-T3", "-qO-", "http://nginx." + Cluster.NAMESPACE + "/healthz")
                .output();
    }

    @Test
    void theLogHasTheAddressOfTheClient() throws IOException {
        String path = Resource.newPath();
        try {
            // Only so does Traefik itself see the client.
            trafficPolicy("Local");
            String node =
                    Cluster.kubectlIn(Gateway.NAMESPACE, "get", "pods", "--output=jsonpath={.items[0].status.hostIP}");
            int port = Integer.parseInt(Cluster.kubectlIn(
                    Gateway.NAMESPACE,
                    "get",
                    "service",
                    "traefik",
                    "--output=jsonpath={.spec.ports[?(@.name==\"websecure\")].nodePort}"));
            curlAt(node, port, "--header", "X-Forwarded-For: 192.0.2.1", "https://" + Gateway.HOST + ":" + port + path);
            String client = Http.ownAddressTowards(node, port);
            Cluster.awaitLineOfFrontend(
                    "\"remote_addr\":\"" + client + "\",\"method\":\"GET\",\"uri\":\"" + path + "\"");
        } finally {
            trafficPolicy("Cluster");
        }
    }

    private static void trafficPolicy(String policy) {
        Cluster.kubectlIn(
                Gateway.NAMESPACE,
                "patch",
                "service",
                "traefik",
                "--patch={\"spec\":{\"externalTrafficPolicy\":\"" + policy + "\"}}");
    }

    @Test
    void aCertificateIsRenewedUnderLoad() {
        String serial = servedCertificate();
        Load.during(
                "renewal of the certificate",
                1_000,
                () -> Cluster.await(
                        "another certificate",
                        Duration.ofMinutes(2),
                        () -> !servedCertificate().equals(serial)));
    }

    private static String servedCertificate() {
        return Shell.run(
                "bash",
                "-c",
                "openssl s_client -connect %s:443 -servername %s </dev/null 2>/dev/null | openssl x509 -noout -serial"
                        .formatted(Gateway.address(), Gateway.HOST));
    }

    @Test
    void theGatewayRestarts() {
        ExactlyOnce.during("restart of the gateway", () -> {
            Cluster.kubectlIn(Gateway.NAMESPACE, "delete", "pods", "--all", "--force", "--grace-period=0");
            Cluster.kubectlIn(Gateway.NAMESPACE, "rollout", "status", "deployment/traefik", "--timeout=2m");
        });
    }

    private static String url(String path) {
        return "https://" + Gateway.HOST + path;
    }

    /** curl at the address of the gateway. It trusts only the authority that issued the certificate. */
    private static String curl(int port, String... arguments) throws IOException {
        return curlAt(Gateway.address(), port, arguments);
    }

    private static String curlAt(String address, int port, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "curl",
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--resolve",
                Gateway.HOST + ":" + port + ":" + address,
                "--cacert",
                authority().toString()));
        command.addAll(List.of(arguments));
        return Shell.run(command.toArray(String[]::new));
    }

    /** The certificate of the authority: the second one in the Secret. */
    private static Path authority() throws IOException {
        String chain = new String(Base64.getDecoder()
                .decode(Cluster.kubectl("get", "secret", "user-counter-tls", "--output=jsonpath={.data.tls\\.crt}")));
        return Files.writeString(folder.resolve("authority.pem"), chain.substring(chain.indexOf("-----BEGIN", 1)));
    }
}
