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
 * An overlay with some components.
 *
 * @param overlay the name of its folder in {@code overlays}
 * @param components the names of their folders, in the order of the overlay's {@code components}
 */
public record Combination(String overlay, List<String> components) {

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
     * The valid combinations of no, one and two components. Two only on GKE, since nothing in the overlay for minikube
     * depends on a component.
     */
    public static List<Combination> possible() {
        return Manifests.concat(of("minikube", 1), of("gke", 2)).stream()
                .filter(combination -> !combination.isRefused())
                .toList();
    }

    static List<Combination> possibleOnGke() {
        return possible().stream()
                .filter(combination -> combination.overlay.equals("gke"))
                .toList();
    }

    /** Two components that Kustomize must refuse, in both orders. */
    static List<Combination> refused() {
        return of("minikube", 2).stream()
                .filter(Combination::isRefused)
                .flatMap(combination -> Stream.of(combination, combination.reversed()))
                .toList();
    }

    private static List<Combination> of(String overlay, int most) {
        var subsets = new ArrayList<List<String>>(List.of(List.of()));
        for (var component : COMPONENTS) {
            for (var subset : List.copyOf(subsets)) {
                if (subset.size() < most) { // pairs show how components affect each other
                    subsets.add(Manifests.concat(subset, List.of(component)));
                }
            }
        }
        return subsets.stream()
                .map(components -> new Combination(overlay, components))
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
        return new Combination(overlay, reversed);
    }

    /**
     * Writes a copy of this overlay that uses the components itself.
     *
     * @param repository a copy of this repository
     * @return the overlay's folder
     */
    Path write(Path repository) {
        var folder = repository.resolve("overlays/" + folderName() + "-direct");
        var original = repository.resolve("overlays/" + overlay);
        try (var files = Files.walk(original)) {
            for (var file : files.toList()) {
                Files.copy(file, folder.resolve(original.relativize(file)));
            }
            var kustomization = folder.resolve("kustomization.yaml");
            var resources = "resources:\n";
            Files.writeString(
                    kustomization,
                    Files.readString(kustomization).replace(resources, resources + values(folder)) + componentList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return folder;
    }

    /**
     * Writes an overlay that uses the components, on top of this one.
     *
     * @param repository a copy of this repository
     * @param fields additional lines of its kustomization
     * @return the new overlay's folder
     */
    public Path writeOnTop(Path repository, String... fields) {
        try {
            var folder = Files.createTempDirectory(repository.resolve("overlays"), folderName());
            Files.writeString(
                    folder.resolve("kustomization.yaml"),
                    "resources:\n" + values(folder) + "  - ../" + overlay + "\n" + componentList()
                            + String.join("\n", fields));
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies the files with the values of the components, and returns the lines that name the copies. */
    private String values(Path folder) throws IOException {
        var lines = new TreeSet<String>();
        for (var component : components) {
            if (VALUES.containsKey(component)) {
                var file = Repository.ROOT.resolve(VALUES.get(component));
                Files.copy(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
                lines.add("  - " + file.getFileName() + "\n");
            }
        }
        return String.join("", lines);
    }

    private String componentList() {
        return components.isEmpty()
                ? ""
                : "\ncomponents:\n  - ../../components/" + String.join("\n  - ../../components/", components) + "\n";
    }

    private String folderName() {
        return overlay + "-" + String.join("-", components);
    }
}
