package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;

/** The kustomization files. These tests need no builder. */
class KustomizationsTest {

    private static final Set<String> DEPRECATED =
            Set.of("bases", "commonLabels", "imageTags", "patchesJson6902", "patchesStrategicMerge", "vars");

    @ParameterizedTest
    @MethodSource
    void usesNoDeprecatedField(Path file) throws IOException {
        for (var kustomization : Manifests.documents(Files.readString(Repository.ROOT.resolve(file)))) {
            assertThat(kustomization.keySet())
                    .as("fields of %s: 'kustomize edit fix' replaces the deprecated ones", file)
                    .doesNotContainAnyElementsOf(DEPRECATED);
        }
    }

    static List<Path> usesNoDeprecatedField() throws IOException {
        try (Stream<Path> files = Files.find(Repository.ROOT, 8, (file, attributes) -> isKustomization(file))) {
            return files.map(Repository.ROOT::relativize)
                    .filter(file -> !file.toString().contains("target/"))
                    .sorted()
                    .toList();
        }
    }

    private static boolean isKustomization(Path file) {
        return Set.of("kustomization.yaml", "kustomization.yml", "Kustomization")
                .contains(file.getFileName().toString());
    }
}
