package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;

/** README promises that a test runs every block of commands. A block that no test runs is marked {@code console}. */
class DocumentationTest {

    /** {@link MonitoringIT} runs every block of this page. */
    private static final String RUNBOOKS = "docs/runbooks.md";

    static List<String> pages() throws IOException {
        try (Stream<Path> docs = Files.walk(Repository.ROOT.resolve("docs"));
                Stream<Path> components = Files.walk(Repository.ROOT.resolve("components"))) {
            return Stream.concat(docs, components)
                    .map(file -> Repository.ROOT.relativize(file).toString())
                    .filter(page -> page.endsWith(".md") && !page.equals(RUNBOOKS))
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void aTestRunsTheCommandsBelowEachHeading(String page) throws IOException {
        String tests = sources();
        assertThat(Documentation.headingsWithCommands(page))
                .allSatisfy(heading -> assertThat(tests)
                        .containsPattern("Documentation\\.(run|commands)\\(\\s*\"%s\",\\s*\"%s\""
                                .formatted(Pattern.quote(page), Pattern.quote(heading))));
    }

    private static String sources() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            return files.filter(Files::isRegularFile)
                    .map(DocumentationTest::read)
                    .collect(Collectors.joining());
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
