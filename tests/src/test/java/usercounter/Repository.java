package usercounter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.stream.Stream;

/** This repository, as it is checked out. */
public final class Repository {

    /** Maven runs tests in their module's folder. */
    public static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private Repository() {}

    /** Copies what Git tracks, or would track, as it is now. */
    public static void copyTo(Path folder) {
        assumeThat(ROOT.resolve(".git")).as("a clone of the repository").exists();
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
        assertThat(git.waitFor()).as("git ls-files").isZero();
        // Git lists a file that was deleted and not committed, too.
        return Stream.of(names.split("\0"))
                .distinct()
                .filter(file -> Files.exists(ROOT.resolve(file)))
                .toList();
    }
}
