package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
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
        return run("", heading);
    }

    /** The same after some commands of one's own. */
    static String run(String before, String heading) {
        return Shell.run("bash", "-euo", "pipefail", "-c", before + "\n" + commands(heading));
    }

    private static String commands(String heading) {
        Matcher section = Pattern.compile(
                        "^####? " + Pattern.quote(heading) + "\n(.*?)(?=^##)", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(text());
        if (!section.find()) {
            throw new AssertionError("README.md has no section '" + heading + "'");
        }
        String commands = COMMANDS.matcher(section.group(1))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.joining())
                .replace("-k overlays/", "-k tests/overlays/");
        if (commands.isBlank()) {
            throw new AssertionError("README.md has no commands in its section '" + heading + "'");
        }
        return commands;
    }

    private static String text() {
        try {
            return Files.readString(Repository.ROOT.resolve("README.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
