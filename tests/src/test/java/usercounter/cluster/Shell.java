package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import usercounter.Repository;

/** Runs commands in the root of the repository. */
final class Shell {

    private static final long PATIENCE_MINUTES = 10;

    /** The exit code of a command, and its output on both streams. */
    record Result(int exitCode, String output) {}

    private Shell() {}

    /** Runs a command, and returns its output. Fails if the command fails. */
    static String run(String... command) {
        Result result = attempt(command);
        if (result.exitCode() != 0) {
            throw new AssertionError("'%s' ended with exit code %d:\n%s"
                    .formatted(String.join(" ", command), result.exitCode(), result.output()));
        }
        return result.output().strip();
    }

    /** Runs a command that may fail. */
    static Result attempt(String... command) {
        try {
            // To a file: reading a pipe would wait forever for a command that hangs.
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
                    throw new AssertionError("'%s' did not end within %d minutes:\n%s"
                            .formatted(String.join(" ", command), PATIENCE_MINUTES, Files.readString(output)));
                }
                // Not Files.readString, which fails on invalid UTF-8: a log may contain bytes of a damaged file.
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
