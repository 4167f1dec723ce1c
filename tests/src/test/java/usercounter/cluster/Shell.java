package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import usercounter.Repository;

/** Commands as a person would type them, in the repository's root. */
final class Shell {

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
            // To a file: reading a pipe would wait for a command that hangs, whatever the patience.
            Path output = Files.createTempFile("command", ".log");
            try {
                Process process = new ProcessBuilder(List.of(command))
                        .directory(Repository.ROOT.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
                process.getOutputStream().close();
                if (!process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                    throw new AssertionError(
                            "No end of " + String.join(" ", command) + "\n" + Files.readString(output));
                }
                // Leniently: a log may hold bytes of a damaged file.
                return new Result(process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8));
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
