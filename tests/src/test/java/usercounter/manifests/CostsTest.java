package usercounter.manifests;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;

/** The table in docs/costs.md has what the overlays request. */
class CostsTest extends OverlaysInACopy {

    private static final BigDecimal MIB = BigDecimal.valueOf(1024 * 1024);

    /** The kinds of cluster, and each component on GKE. */
    static Stream<Combination> rows() {
        return Combination.possible().stream()
                .filter(combination ->
                        combination.components().size() < (combination.cluster().equals("gke") ? 2 : 1));
    }

    @ParameterizedTest
    @MethodSource("rows")
    void theRowOf(Combination combination) throws Exception {
        var manifests = Manifests.parse(Kustomize.KUBECTL.build(combination.write(repository)));
        var name = Stream.concat(Stream.of(combination.cluster()), combination.components().stream())
                .collect(joining(", "));

        assertThat(Files.readAllLines(Repository.ROOT.resolve("docs/costs.md")))
                .contains("| %s | %d | %s | %s MiB | %s |"
                        .formatted(
                                name,
                                pods(manifests).mapToInt(manifests::replicas).sum(),
                                sum(manifests, "cpu").stripTrailingZeros().toPlainString(),
                                sum(manifests, "memory").divide(MIB).toPlainString(),
                                disks(manifests)));
    }

    /** Without those that only run for a moment. */
    private static Stream<PodTemplate> pods(Manifests manifests) {
        return manifests.podTemplates().stream()
                .filter(template -> !(template.owner() instanceof V1Job) && !(template.owner() instanceof V1CronJob));
    }

    private static BigDecimal sum(Manifests manifests, String resource) {
        return pods(manifests)
                .map(template -> template.servingContainers().stream()
                        .map(container -> container.getResources().getRequests().get(resource))
                        .map(Quantity::getNumber)
                        .reduce(BigDecimal.ZERO, BigDecimal::add)
                        .multiply(BigDecimal.valueOf(manifests.replicas(template))))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    /** Each size with its number, such as 6 × 10Gi. */
    private static String disks(Manifests manifests) {
        var claims = Stream.concat(
                manifests.all(V1PersistentVolumeClaim.class).stream(),
                pods(manifests)
                        .flatMap(template -> Stream.generate(template.claims()::stream)
                                .limit(manifests.replicas(template))
                                .flatMap(each -> each)));
        var sizes = claims.map(claim -> claim.getSpec()
                        .getResources()
                        .getRequests()
                        .get("storage")
                        .toSuffixedString())
                .sorted()
                .toList();
        return sizes.isEmpty()
                ? "none"
                : sizes.stream()
                        .distinct()
                        .map(size -> sizes.stream().filter(size::equals).count() + " × " + size)
                        .collect(joining(", "));
    }
}
