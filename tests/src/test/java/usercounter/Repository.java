package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The working tree of this repository. */
public final class Repository {

    private static final String USUAL_NAMESPACE = "user-counter";

    /** The JVMs of the cluster tests have numbers. Each but the first has a deployment in a namespace of its own. */
    public static final String NAMESPACE =
            System.getProperty("namespace", USUAL_NAMESPACE + "-1").replaceFirst("-1$", "");

    /** The namespace in a manifest, and in a command of the documentation. */
    private static final Pattern NAMED =
            Pattern.compile("(namespace:? |-n |kind: Namespace\\s+(?:metadata:\\s+)?name: )user-counter(?=\\s)");

    /** Maven runs tests in the folder of their module. */
    private static final Path CHECKOUT = Path.of("").toAbsolutePath().getParent();

    /** The checkout, or in further JVMs a copy of it that names their namespace. */
    public static final Path ROOT = NAMESPACE.equals(USUAL_NAMESPACE) ? CHECKOUT : copyForNamespace();

    private static final Pattern IMAGE = Pattern.compile("(?m)^ *newName: (\\S+)$");

    private Repository() {}

    /** Replaces the namespace in the manifests and in the commands of the documentation. */
    private static Path copyForNamespace() {
        try {
            var copy = CHECKOUT.resolve("tests/target/" + NAMESPACE);
            copy(CHECKOUT, copy);
            try (var files =
                    Files.find(copy, 9, (file, attributes) -> file.toString().matches(".*\\.(yaml|md)"))) {
                for (var file : files.toList()) {
                    Files.writeString(
                            file, NAMED.matcher(Files.readString(file)).replaceAll("$1" + NAMESPACE));
                }
            }
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The name of the service's image, without a tag, which {@code overlays/minikube} contains. */
    public static String image() {
        var overlay = ROOT.resolve("overlays/minikube/kustomization.yaml");
        try {
            var name = IMAGE.matcher(Files.readString(overlay));
            assertThat(name.find())
                    .as("%s has a newName below images:", overlay)
                    .isTrue();
            return name.group(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Copies all files that Git does not ignore, including uncommitted changes. */
    public static void copyTo(Path folder) {
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(CHECKOUT.resolve(".git"))
                    .as("this folder of a Git clone, which the test needs")
                    .exists();
        }
        copy(ROOT, folder);
    }

    private static void copy(Path from, Path to) {
        try {
            for (var file : files()) {
                Files.createDirectories(to.resolve(file).getParent());
                Files.copy(
                        from.resolve(file),
                        to.resolve(file),
                        StandardCopyOption.COPY_ATTRIBUTES,
                        StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Iterable<String> files() throws IOException {
        try {
            var git = new ProcessBuilder("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
                    .directory(CHECKOUT.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            var names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(git.waitFor())
                    .as("exit code of 'git ls-files' in " + CHECKOUT)
                    .isZero();
            // Git also lists files whose deletion is not committed.
            return Stream.of(names.split("\0"))
                    .distinct()
                    .filter(file -> Files.exists(CHECKOUT.resolve(file)))
                    .toList();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
