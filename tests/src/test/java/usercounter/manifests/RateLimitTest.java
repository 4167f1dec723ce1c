package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1ConfigMap;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.Repository;

/** Every overlay limits what a client may ask for, unless it takes {@code components/no-rate-limit}. */
class RateLimitTest extends OverlaysInACopy {

    private static final String FILE = "rate-limit.conf";

    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void isThatOfTheBase(String cluster) throws Exception {
        var files = frontend(Manifests.parse(build(cluster)));

        assertThat(files).containsEntry(FILE, Files.readString(Repository.ROOT.resolve("base/frontend/" + FILE)));
        assertThat(files.get(FILE)).containsPattern("(?m)^limit_req zone=");
    }

    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void isAllThatTheComponentTakesOff(String cluster) throws Exception {
        var limited = build(cluster);
        var unlimited = build(cluster, "no-rate-limit");

        var file = frontend(Manifests.parse(unlimited)).get(FILE);
        assertThat(file.lines()).allMatch(line -> line.startsWith("#"));
        assertThat(withoutFile(unlimited)).isEqualTo(withoutFile(limited)).isNotEqualTo(limited);
    }

    private static String build(String cluster, String... components) throws Exception {
        return Kustomize.KUBECTL.build(new Combination(cluster, List.of(components)).write(repository));
    }

    private static Map<String, String> frontend(Manifests manifests) {
        return manifests.all(V1ConfigMap.class).stream()
                .filter(map -> Manifests.nameOf(map).startsWith("frontend-"))
                .findFirst()
                .orElseThrow()
                .getData();
    }

    /** Nor the hash in the ConfigMap's name, which is that of its files. */
    private static String withoutFile(String yaml) {
        return yaml.replaceFirst("  " + FILE + ": .*\n(    .*\n|\n)*", "")
                .replaceAll("frontend-[a-z0-9]{10}\\b", "frontend");
    }
}
