package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.gson.JsonElement;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;

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

    /** Otherwise a push for one environment would change another one, and its release would stand in two places. */
    @ParameterizedTest
    @MethodSource
    void anEnvironmentStandsOnTheBaseAlone(String overlay) throws Exception {
        var text = Files.readString(Repository.ROOT.resolve(overlay).resolve("kustomization.yaml"));
        var kustomization = Manifests.documents(text).get(0);

        assertThat(kustomization.keySet()).contains("namespace", "components");
        assertThat(kustomization.getAsJsonArray("resources"))
                .extracting(JsonElement::getAsString)
                .filteredOn(resource -> resource.startsWith(".."))
                .containsExactly("../../base");
        assertThat(kustomization.getAsJsonArray("images"))
                .extracting(image -> image.getAsJsonObject().get("name").getAsString())
                .containsOnlyOnce("user-counter");
    }

    static List<String> anEnvironmentStandsOnTheBaseAlone() throws IOException {
        return Kustomize.overlays().stream()
                .filter(overlay -> overlay.startsWith("overlays/"))
                .toList();
    }
}
