package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Repository;

/** {@code overlays/gke} when it takes {@code components/redis-cluster}; tests/overlays has minikube's. */
class RedisClusterTest {

    private static Manifests gke;

    @BeforeAll
    static void render(@TempDir Path folder) throws Exception {
        Repository.copyTo(folder);
        var overlay = folder.resolve("overlays/gke");
        Files.writeString(
                overlay.resolve("kustomization.yaml"),
                "\ncomponents: [../../components/redis-cluster]\n",
                StandardOpenOption.APPEND);
        gke = Manifests.parse(Kustomize.KUBECTL.build(overlay));
    }

    @Test
    void keepsTheRules() {
        assertThat(Rule.complaints(gke)).isEmpty();
    }

    @Test
    void keepsTheCountsOnSsd() {
        assertThat(gke.all(V1StatefulSet.class))
                .hasSize(3)
                .allSatisfy(pair -> assertThat(pair.getSpec().getVolumeClaimTemplates())
                        .allSatisfy(claim -> assertThat(claim.getSpec().getStorageClassName())
                                .isEqualTo("premium-rwo")));
    }
}
