package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import usercounter.Repository;

/** The versions of Redis and nginx each occur in only one line of {@code base/}, where Renovate finds them. */
class ImageVersionsTest {

    private static final Pattern IMAGE = Pattern.compile("(?m)^ *image: ([^:@\\s]+)[:@]\\S+$");

    private static final Pattern RENOVATES_FILES =
            Pattern.compile("kubernetes: \\{ managerFilePatterns: \\[\"/(.+)/\"] }");

    @Test
    void eachStandsOnce() throws IOException {
        var images = files("base").stream()
                .flatMap(file -> IMAGE.matcher(text(file)).results())
                .map(image -> image.group(1))
                .toList();
        assertThat(images).isNotEmpty().doesNotHaveDuplicates();

        for (var image : images) {
            var version = Pattern.compile(Pattern.quote(image) + "[:@]");
            assertThat(files("components", "overlays", "tests/overlays", "tests/src"))
                    .as("files with a version of %s", image)
                    .filteredOn(file -> version.matcher(text(file)).find())
                    .isEmpty();
        }
    }

    @Test
    void renovateLooksAtEveryManifest() throws IOException {
        var config = RENOVATES_FILES.matcher(text(Path.of(".github/renovate.json5")));
        assertThat(config.find()).isTrue();
        var pattern = Pattern.compile(config.group(1).replace("\\\\", "\\"));

        assertThat(files("base", "components"))
                .filteredOn(file -> file.toString().endsWith(".yaml"))
                .isNotEmpty()
                .filteredOn(file -> !pattern.matcher(file.toString()).find())
                .isEmpty();
    }

    private static List<Path> files(String... folders) throws IOException {
        var files = new ArrayList<Path>();
        for (var folder : folders) {
            try (var found = Files.walk(Repository.ROOT.resolve(folder))) {
                found.filter(Files::isRegularFile)
                        .map(Repository.ROOT::relativize)
                        .forEach(files::add);
            }
        }
        return files;
    }

    private static String text(Path file) {
        try {
            return Files.readString(Repository.ROOT.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
