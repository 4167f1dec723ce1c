package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import usercounter.Repository;

/**
 * README.md's own commands: what it tells a reader to type is what the tests run. But they deploy the image that was
 * built here, even when the overlay names a release.
 */
final class Readme {

    private static final Pattern COMMANDS = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    private Readme() {}

    /** Runs every block of commands below a heading, as one script that ends at the first failure. */
    static String run(String heading) {
        return run("", heading, "");
    }

    /**
     * The same from the README of a folder, after some commands of one's own.
     *
     * @param folder of the repository, such as components/backup; empty for its root
     * @param before commands
     */
    static String run(String folder, String heading, String before) {
        return Shell.run("bash", "-euo", "pipefail", "-c", before + "\n" + commands(folder, heading));
    }

    private static String commands(String folder, String heading) {
        Path file = Repository.ROOT.resolve(folder).resolve("README.md");
        Matcher section = Pattern.compile(
                        "^#+ " + Pattern.quote(heading) + "\n(.*?)(?=^##|\\z)", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(text(file));
        if (!section.find()) {
            throw new AssertionError(file + " has no section '" + heading + "'");
        }
        String commands = COMMANDS.matcher(section.group(1))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.joining())
                .replace("-k overlays/", "-k tests/overlays/");
        if (commands.isBlank()) {
            throw new AssertionError(file + " has no commands in its section '" + heading + "'");
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
