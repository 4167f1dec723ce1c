package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Commands as a person would type them, in the repository's root. */
final class Shell {

    static final Path ROOT = Path.of("").toAbsolutePath().getParent();

    private static final long PATIENCE_MINUTES = 10;

    /** A command's end: its exit code, and what it printed on both streams. */
    record Result(int exitCode, String output) {}

    private Shell() {}

    /** Runs a command that has to succeed, and returns what it printed. */
    static String run(String... command) {
        Result result = attempt(command);
        if (result.exitCode() != 0) {
            throw new AssertionError(String.join(" ", command) + "\n" + result.output());
        }
        return result.output().strip();
    }

    /** Runs a command that may fail. */
    static Result attempt(String... command) {
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .directory(ROOT.toFile())
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError("No end of " + String.join(" ", command) + "\n" + output);
            }
            return new Result(process.exitValue(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
