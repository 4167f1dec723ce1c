package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Service;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The differences between {@code overlays/gke} and the base, also with other components. */
class GkeTest extends OverlaysInACopy {

    private static Manifests gke;

    private static final Map<Combination, Manifests> WITH_COMPONENTS = new LinkedHashMap<>();

    @BeforeAll
    static void render() throws Exception {
        gke = Kustomize.render("overlays/gke");
        for (var combination : Combination.possibleOnGke()) {
            WITH_COMPONENTS.put(combination, Manifests.parse(Kustomize.KUBECTL.build(combination.write(repository))));
        }
    }

    @Test
    void hasTheRegionalLoadBalancer() {
        var nginx = gke.find(V1Service.class, "nginx").orElseThrow();
        assertThat(nginx.getSpec().getType()).isEqualTo("LoadBalancer");
        assertThat(nginx.getSpec().getLoadBalancerClass()).isEqualTo("networking.gke.io/l4-regional-external");
    }

    @Test
    void letsNginxSeeTheClientsAddress() {
        var nginx = gke.find(V1Service.class, "nginx").orElseThrow();
        assertThat(nginx.getSpec().getExternalTrafficPolicy()).isEqualTo("Local");
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void keepsTheCountsOnSsd(Combination combination) {
        var manifests = WITH_COMPONENTS.get(combination);

        var claims = Stream.concat(
                        manifests.find(V1PersistentVolumeClaim.class, "redis-data").stream(),
                        manifests.podTemplates().stream().flatMap(template -> template.claims().stream()))
                .toList();
        assertThat(claims)
                .hasSize(expectedClaims(combination))
                .allSatisfy(claim ->
                        assertThat(claim.getSpec().getStorageClassName()).isEqualTo("premium-rwo"));
    }

    /** Redis Cluster has one template for each of its three pairs, a managed Redis has none. */
    private static int expectedClaims(Combination combination) {
        if (combination.components().contains("managed-redis")) {
            return 0;
        }
        return combination.components().contains("redis-cluster") ? 3 : 1;
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void looksNamesUpWhereGkeDoes(Combination combination) {
        var manifests = WITH_COMPONENTS.get(combination);

        var policy = manifests.find(V1NetworkPolicy.class, "dns").orElseThrow().getSpec();
        var pods = manifests.selectedBy(policy.getPodSelector()).stream()
                .map(template -> template.labels().get("app.kubernetes.io/name"))
                .collect(Collectors.toSet());
        assertThat(pods).isEqualTo(pods(combination));
        assertThat(policy.getEgress()).hasSize(1);
        assertThat(policy.getEgress().get(0).getTo())
                .map(peer -> peer.getIpBlock() == null
                        ? peer.getPodSelector()
                                .getMatchExpressions()
                                .get(0)
                                .getValues()
                                .get(0)
                        : peer.getIpBlock().getCidr())
                .containsExactly("kube-dns", "node-local-dns", "169.254.20.10/32", "169.254.169.254/32");
    }

    /** The single Redis looks up no names. */
    private static Set<String> pods(Combination combination) {
        var pods = new HashSet<>(Set.of("frontend", "backend"));
        if (combination.components().contains("backup")) {
            pods.add("backup");
        }
        if (combination.components().contains("redis-cluster")) {
            pods.add("redis");
        }
        return pods;
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "backend"})
    void hasPodsInThreeZonesAndAtLeastInTwo(String name) {
        var spec = gke.find(V1Deployment.class, name).orElseThrow().getSpec();
        assertThat(spec.getReplicas()).isEqualTo(3);
        assertThat(spec.getTemplate().getSpec().getTopologySpreadConstraints()).anySatisfy(spread -> {
            assertThat(spread.getTopologyKey()).isEqualTo("topology.kubernetes.io/zone");
            assertThat(spread.getMaxSkew()).isEqualTo(1);
            assertThat(spread.getWhenUnsatisfiable()).isEqualTo("DoNotSchedule");
            assertThat(spread.getMinDomains()).isEqualTo(2);
            assertThat(spread.getNodeTaintsPolicy()).isEqualTo("Honor");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "backend"})
    void waitsForANewNode(String name) {
        var spec = gke.find(V1Deployment.class, name).orElseThrow().getSpec();
        assertThat(spec.getProgressDeadlineSeconds()).isEqualTo(300);
    }
}
