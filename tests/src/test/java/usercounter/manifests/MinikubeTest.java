package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Deployment;
import org.junit.jupiter.api.Test;

/** What {@code overlays/minikube} adds to the base. */
class MinikubeTest {

    @Test
    void doesNotPullAnImageThatTheNodeHas() throws Exception {
        var backend = Kustomize.render("overlays/minikube")
                .find(V1Deployment.class, "backend")
                .orElseThrow()
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .get(0);
        assertThat(backend.getImagePullPolicy()).isEqualTo("IfNotPresent");
    }
}
