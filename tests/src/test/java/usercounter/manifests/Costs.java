package usercounter.manifests;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.util.stream.Stream;
import usercounter.Repository;

/** The table in docs/costs.md: what environments request. */
final class Costs {

    private static final BigDecimal MIB = BigDecimal.valueOf(1024 * 1024);

    private Costs() {}

    /** A component without a row requests what the kind of cluster requests alone. */
    static void assertDocumented(String environment, String cluster, Manifests manifests) throws IOException {
        var page = Files.readString(Repository.ROOT.resolve("docs/costs.md"));
        var row = page.contains("| " + environment + " |") ? environment : cluster;
        assertThat(page)
                .contains("| %s | %d | %s | %s MiB | %s |"
                        .formatted(
                                row,
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
