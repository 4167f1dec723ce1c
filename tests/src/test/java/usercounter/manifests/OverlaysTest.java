package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every overlay obeys every {@link Rule}, and all builders render it the same. */
class OverlaysTest {

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Kustomize#overlays")
    void keepsTheRules(String overlay) throws Exception {
        var complaints = Rule.complaints(Kustomize.render(overlay));
        if (!complaints.isEmpty()) {
            fail("%s%n%s".formatted(overlay, String.join(System.lineSeparator(), complaints)));
        }
    }

    /** A release needs a digest, since a tag may be moved. */
    @ParameterizedTest
    @MethodSource("usercounter.manifests.Kustomize#overlays")
    void runsAReleaseOrTheImageBuiltHere(String overlay) throws Exception {
        var backend = Kustomize.render(overlay).backend();
        assertThat(backend.getImage()).matches(".+/.+:(dev|\\d+\\.\\d+\\.\\d+[\\w.-]*@sha256:[0-9a-f]{64})");
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Kustomize#overlays")
    void isTheSameByEveryBuilder(String overlay) throws Exception {
        assertThat(Kustomize.KUBECTL.build(overlay)).isEqualTo(Kustomize.KUSTOMIZE.build(overlay));
    }
}
