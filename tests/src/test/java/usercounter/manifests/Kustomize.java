package usercounter.manifests;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import usercounter.Repository;

/** The programs that render an overlay. A machine without them skips what needs them; CI does not. */
public enum Kustomize {
    /** What the README's commands use: the Kustomize that is built into kubectl. */
    KUBECTL("kubectl", "kustomize"),
    /** What Argo CD uses. */
    KUSTOMIZE("kustomize", "build");

    private static final List<Kustomize> INSTALLED =
            Stream.of(values()).filter(Kustomize::onPath).toList();

    private static final String HINT =
            "To test the manifests, install kubectl (https://kubernetes.io/docs/tasks/tools/)"
                    + " and kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/)";

    static {
        // Surefire's console counts the skipped tests without their reason.
        if (INSTALLED.isEmpty()) {
            System.out.println(HINT);
        }
    }

    private final List<String> command;

    Kustomize(String... command) {
        this.command = List.of(command);
    }

    /** The folders of all overlays, also those of the tests, so that a new one is tested without more ado. */
    static List<String> overlays() throws IOException {
        var overlays = new ArrayList<String>();
        for (var parent : List.of("overlays", "tests/overlays")) {
            try (var folders = Files.list(Repository.ROOT.resolve(parent))) {
                folders.filter(Files::isDirectory)
                        .map(folder -> parent + "/" + folder.getFileName())
                        .sorted()
                        .forEach(overlays::add);
            }
        }
        return overlays;
    }

    /** The objects of an overlay, by any builder that is there. */
    static Manifests render(String overlay) throws IOException, InterruptedException {
        var builder = INSTALLED.isEmpty() ? KUBECTL : INSTALLED.get(0);
        return Manifests.parse(builder.build(overlay));
    }

    /** The YAML that this builder makes of an overlay. */
    String build(String overlay) throws IOException, InterruptedException {
        return build(Repository.ROOT.resolve(overlay));
    }

    /** The YAML that this builder makes of the kustomization in a folder. */
    public String build(Path folder) throws IOException, InterruptedException {
        require();
        var errors = Files.createTempFile("kustomize", ".log");
        try {
            var process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectError(errors.toFile())
                    .start();
            var yaml = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                fail("'%s' fails in %s: %s".formatted(this, folder, Files.readString(errors)));
            }
            return yaml;
        } finally {
            Files.delete(errors);
        }
    }

    private void require() {
        if (!INSTALLED.contains(this)) {
            var missing = HINT + ": there is no " + command.get(0);
            if ("true".equals(System.getenv("CI"))) {
                fail(missing);
            }
            abort(missing);
        }
    }

    private boolean onPath() {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, command.get(0))));
    }

    @Override
    public String toString() {
        return String.join(" ", command);
    }
}
