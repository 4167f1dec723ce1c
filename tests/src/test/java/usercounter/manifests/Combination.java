package usercounter.manifests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import usercounter.Repository;

/**
 * An environment on a kind of cluster, with some components.
 *
 * @param cluster the component for the kind of cluster, {@code minikube} or {@code gke}
 * @param components the names of the other components, in the order of the overlay's {@code components}
 */
public record Combination(String cluster, List<String> components) {

    private static final List<String> COMPONENTS = List.of(
            "autoscaling",
            "backup",
            "gateway",
            "gateway-gke",
            "gateway-cert-manager",
            "managed-redis",
            "monitoring",
            "monitoring-gke",
            "no-rate-limit",
            "own-password",
            "redis-cluster",
            "tracing");

    /** The values that a component takes from the overlay, by the name of the component. */
    private static final Map<String, String> VALUES = Map.of(
            "gateway", "tests/overlays/gateway/gateway.yaml",
            "gateway-gke", "tests/overlays/gateway/gateway.yaml",
            "managed-redis", "tests/overlays/managed-redis/managed-redis.yaml",
            "tracing", "tests/overlays/tracing/tracing.yaml");

    /**
     * The valid combinations of no, one and two components. Two only on GKE, since nothing in the component minikube
     * depends on another one.
     */
    public static List<Combination> possible() {
        return Manifests.concat(of("minikube", 1), of("gke", 2)).stream()
                .filter(combination -> !combination.isRefused())
                .toList();
    }

    static List<Combination> possibleOnGke() {
        return possible().stream()
                .filter(combination -> combination.cluster.equals("gke"))
                .toList();
    }

    /** Two components that Kustomize must refuse, in both orders, and two kinds of cluster. */
    static List<Combination> refused() {
        var pairs = of("minikube", 2).stream()
                .filter(Combination::isRefused)
                .flatMap(combination -> Stream.of(combination, combination.reversed()));
        return Stream.concat(pairs, Stream.of(new Combination("gke", List.of("minikube"))))
                .toList();
    }

    /** Each component on GKE. */
    static List<Combination> singleOnGke() {
        return possibleOnGke().stream()
                .filter(combination -> combination.components.size() == 1)
                .toList();
    }

    private static List<Combination> of(String cluster, int most) {
        var subsets = new ArrayList<List<String>>(List.of(List.of()));
        for (var component : COMPONENTS) {
            for (var subset : List.copyOf(subsets)) {
                if (subset.size() < most) { // pairs show how components affect each other
                    subsets.add(Manifests.concat(subset, List.of(component)));
                }
            }
        }
        return subsets.stream()
                .map(components -> new Combination(cluster, components))
                .toList();
    }

    /**
     * Three components are for the Redis of base/, which a managed Redis replaces. There is only one gateway, and no
     * certificate without it. There is only one kind of monitoring.
     */
    private boolean isRefused() {
        return components.contains("managed-redis")
                        && List.of("backup", "own-password", "redis-cluster").stream()
                                .anyMatch(components::contains)
                || components.containsAll(List.of("gateway", "gateway-gke"))
                || components.containsAll(List.of("monitoring", "monitoring-gke"))
                || components.contains("gateway-cert-manager")
                        && List.of("gateway", "gateway-gke").stream().noneMatch(components::contains);
    }

    private Combination reversed() {
        var reversed = new ArrayList<>(components);
        Collections.reverse(reversed);
        return new Combination(cluster, reversed);
    }

    /**
     * Writes the overlay of this environment, with the image that was built here.
     *
     * @param repository a copy of this repository
     * @param fields additional lines of its kustomization, the first of which may be another {@code namespace}
     * @return the overlay's folder
     */
    public Path write(Path repository, String... fields) {
        try {
            var folder = Files.createTempDirectory(repository.resolve("overlays"), String.join("-", all()));
            var namespace = fields.length > 0 && fields[0].startsWith("namespace: ") ? "" : "namespace: user-counter\n";
            Files.writeString(folder.resolve("kustomization.yaml"), """
                    resources:
                      - ../../base
                    %scomponents:
                      - ../../components/%s
                    images:
                      - name: user-counter
                        newName: %s
                        newTag: dev
                    %s%s
                    """.formatted(
                            values(folder),
                            String.join("\n  - ../../components/", all()),
                            Repository.image(),
                            namespace,
                            String.join("\n", fields)));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Such as {@code gke, backup}. */
    String title() {
        return String.join(", ", all());
    }

    private List<String> all() {
        return Manifests.concat(List.of(cluster), components);
    }

    /** Copies the files with the values of the components, and returns the lines that name the copies. */
    private String values(Path folder) throws IOException {
        var lines = new TreeSet<String>();
        for (var component : all()) {
            if (VALUES.containsKey(component)) {
                var file = Repository.ROOT.resolve(VALUES.get(component));
                Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
                lines.add("  - " + file.getFileName() + "\n");
            }
        }
        return String.join("", lines);
    }
}
