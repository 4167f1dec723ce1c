package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Service;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code overlays/gke} adds to the base. */
class GkeTest {

    private static Manifests gke;

    @BeforeAll
    static void render() throws Exception {
        gke = Kustomize.render("overlays/gke");
    }

    @Test
    void hasTheRegionalLoadBalancer() {
        var nginx = gke.find(V1Service.class, "nginx").orElseThrow();
        assertThat(nginx.getSpec().getType()).isEqualTo("LoadBalancer");
        assertThat(nginx.getSpec().getLoadBalancerClass()).isEqualTo("networking.gke.io/l4-regional-external");
    }

    @Test
    void keepsTheCountsOnSsd() {
        var claim = gke.find(V1PersistentVolumeClaim.class, "redis-data")
                .orElseThrow()
                .getSpec();
        assertThat(claim.getStorageClassName()).isEqualTo("premium-rwo");
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "backend"})
    void hasAPodForEachOfThreeZones(String name) {
        var spec = gke.find(V1Deployment.class, name).orElseThrow().getSpec();
        assertThat(spec.getReplicas()).isEqualTo(3);
        assertThat(spec.getTemplate().getSpec().getTopologySpreadConstraints())
                .anySatisfy(spread -> assertThat(spread.getTopologyKey()).isEqualTo("topology.kubernetes.io/zone"));
    }
}
