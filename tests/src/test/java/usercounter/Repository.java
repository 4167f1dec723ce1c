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

    /** Maven runs tests in the folder of their module. */
    public static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private static final Pattern IMAGE = Pattern.compile("(?m)^ *newName: (\\S+)$");

    private Repository() {}

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
            assumeThat(ROOT.resolve(".git"))
                    .as("this folder of a Git clone, which the test needs")
                    .exists();
        }
        try {
            for (var file : files()) {
                Files.createDirectories(folder.resolve(file).getParent());
                Files.copy(ROOT.resolve(file), folder.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static Iterable<String> files() throws IOException, InterruptedException {
        var git = new ProcessBuilder("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
                .directory(ROOT.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        var names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(git.waitFor()).as("exit code of 'git ls-files' in " + ROOT).isZero();
        // Git also lists files whose deletion is not committed.
        return Stream.of(names.split("\0"))
                .distinct()
                .filter(file -> Files.exists(ROOT.resolve(file)))
                .toList();
    }
}
