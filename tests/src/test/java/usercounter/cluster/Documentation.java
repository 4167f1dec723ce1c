package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import usercounter.Repository;

/**
 * Runs the commands of the documentation. The only difference is the image: the tests deploy the one that was built
 * here, even if the overlay names a release.
 */
public final class Documentation {

    private static final Pattern COMMANDS = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    private Documentation() {}

    static String run(String page, String heading) {
        return run(page, heading, "");
    }

    /**
     * Runs all {@code sh} blocks below a heading as one script, which ends at the first failure.
     *
     * @param page the path of the file in the repository
     * @param before commands to run first
     */
    static String run(String page, String heading, String before) {
        return Shell.run("bash", "-euo", "pipefail", "-c", before + "\n" + commands(page, heading));
    }

    /** The headings of a page that have an {@code sh} block below them. */
    static List<String> headingsWithCommands(String page) {
        return Stream.of(text(Repository.ROOT.resolve(page)).split("(?m)^##+ "))
                .filter(section -> section.contains("```sh\n"))
                .map(section -> section.substring(0, section.indexOf('\n')))
                .toList();
    }

    /** All {@code sh} blocks below a heading. */
    public static String commands(String page, String heading) {
        Path file = Repository.ROOT.resolve(page);
        Matcher section = Pattern.compile(
                        "^#+ " + Pattern.quote(heading) + "\n(.*?)(?=^##|\\z)", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(text(file));
        if (!section.find()) {
            throw new AssertionError(file + " has no section '" + heading + "': correct the heading here or there");
        }
        String commands = COMMANDS.matcher(section.group(1))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.joining())
                .replace("-k overlays/", "-k tests/overlays/");
        if (commands.isBlank()) {
            throw new AssertionError(file + " has no ```sh block in its section '" + heading + "': add one");
        }
        return commands;
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
