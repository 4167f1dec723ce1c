package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The differences between {@code overlays/minikube} and the base. */
class MinikubeTest {

    @Test
    void doesNotPullAnImageThatTheNodeHas() throws Exception {
        var backend = Kustomize.render("overlays/minikube").backend();
        assertThat(backend.getImagePullPolicy()).isEqualTo("IfNotPresent");
    }
}
