package usercounter.manifests;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import usercounter.Programs;
import usercounter.Repository;

/** The programs that render an overlay. Tests that need a missing program are skipped. With CI=true they fail. */
public enum Kustomize {
    /** Kustomize in kubectl, which the commands of the documentation use. */
    KUBECTL("kubectl", "kustomize"),
    /** Kustomize itself, which Argo CD uses. */
    KUSTOMIZE("kustomize", "build");

    private static final List<Kustomize> INSTALLED = Stream.of(values())
            .filter(builder -> Programs.isInstalled(builder.command.get(0)))
            .toList();

    private static final long PATIENCE_SECONDS = 60;

    private static final String HINT =
            "To test the manifests, install kubectl (https://kubernetes.io/docs/tasks/tools/)"
                    + " and kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/)";

    static {
        // Surefire's console shows the number of skipped tests, but not the reason.
        if (INSTALLED.isEmpty()) {
            System.out.println(HINT);
        }
    }

    private final List<String> command;

    Kustomize(String... command) {
        this.command = List.of(command);
    }

    /** The folders of all overlays, including those of the tests. So a new overlay is tested automatically. */
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

    /** The objects of an overlay, rendered by any installed builder. */
    static Manifests render(String overlay) throws IOException, InterruptedException {
        var builder = INSTALLED.isEmpty() ? KUBECTL : INSTALLED.get(0);
        return Manifests.parse(builder.build(overlay));
    }

    /** The YAML of an overlay, rendered by this builder. */
    String build(String overlay) throws IOException, InterruptedException {
        return build(Repository.ROOT.resolve(overlay));
    }

    /** The YAML of the kustomization in a folder, rendered by this builder. */
    public String build(Path folder) throws IOException, InterruptedException {
        var result = run(folder);
        if (result.exitCode() != 0) {
            fail("'%s' fails in %s: %s".formatted(this, folder, result.errors()));
        }
        return result.yaml();
    }

    /** The error message of this builder for the invalid kustomization in a folder. */
    String refuse(Path folder) throws IOException, InterruptedException {
        var result = run(folder);
        if (result.exitCode() == 0) {
            fail("'%s' renders %s, but must refuse it".formatted(this, folder));
        }
        return result.errors();
    }

    /** The YAML of the kustomization in a folder, or nothing if this builder refuses it. */
    Optional<String> tryBuild(Path folder) throws IOException, InterruptedException {
        var result = run(folder);
        return result.exitCode() == 0 ? Optional.of(result.yaml()) : Optional.empty();
    }

    private record Result(int exitCode, String yaml, String errors) {}

    private Result run(Path folder) throws IOException, InterruptedException {
        require();
        var yaml = Files.createTempFile("kustomize", ".yaml");
        var errors = Files.createTempFile("kustomize", ".log");
        try {
            var process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectOutput(yaml.toFile())
                    .redirectError(errors.toFile())
                    .start();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                fail("'%s' did not end in %s within %d s".formatted(this, folder, PATIENCE_SECONDS));
            }
            return new Result(process.exitValue(), Files.readString(yaml), Files.readString(errors));
        } finally {
            Files.delete(yaml);
            Files.delete(errors);
        }
    }

    /** Skips a test on a machine without this builder. */
    public void require() {
        if (!INSTALLED.contains(this)) {
            var missing = "No " + command.get(0) + " on the PATH. " + HINT;
            if ("true".equals(System.getenv("CI"))) {
                fail(missing);
            }
            abort(missing);
        }
    }

    @Override
    public String toString() {
        return String.join(" ", command);
    }
}
