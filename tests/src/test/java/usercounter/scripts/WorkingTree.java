package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import usercounter.Programs;
import usercounter.Repository;
import usercounter.manifests.Kustomize;

/** A temporary repository with the current files of this one, which a test may change. */
record WorkingTree(Path root) {

    /** The exit code of a command, and its output on both streams. */
    record Result(int exitCode, String output) {}

    /** Overrides the developer's configuration, such as signatures that ask for a password. */
    private static final Map<String, String> GIT = Map.of(
            "GIT_CONFIG_NOSYSTEM", "1",
            "GIT_CONFIG_GLOBAL", "nowhere",
            "GIT_AUTHOR_NAME", "test",
            "GIT_AUTHOR_EMAIL", "test@example.com",
            "GIT_COMMITTER_NAME", "test",
            "GIT_COMMITTER_EMAIL", "test@example.com");

    /** Creates a copy in this folder, and commits it. */
    static WorkingTree in(Path folder) throws IOException, InterruptedException {
        Repository.copyTo(folder);
        var tree = new WorkingTree(folder);
        tree.succeed("git", "init", "--quiet", "--initial-branch=main");
        tree.commit();
        return tree;
    }

    /**
     * The same for {@code scripts/fork}, whose programs the test then requires. Maven is replaced, since it takes more time
     * than everything else: the tag {@code maven} has the real one.
     */
    static WorkingTree withoutMaven(Path folder) throws IOException, InterruptedException {
        Kustomize.KUSTOMIZE.require();
        assumeThat(Programs.isInstalledOrNotRequired("python3"))
                .as("python3 on the PATH")
                .isTrue();
        var tree = in(folder);
        tree.succeed("git", "tag", "maven");
        Files.writeString(folder.resolve("mvnw"), "#!/bin/sh\n");
        tree.commit();
        tree.start();
        return tree;
    }

    /** Makes the current commit the state to which {@link #restart} returns. */
    void start() throws IOException, InterruptedException {
        succeed("git", "tag", "start");
    }

    /** Undoes the changes of a test, which is faster than a new copy. */
    void restart() throws IOException, InterruptedException {
        succeed(
                "bash",
                "-ec",
                "git checkout --quiet --force --detach start; git clean --quiet --force -dx; rm -rf .git/bin");
    }

    /** Commits everything, including new files. */
    void commit() throws IOException, InterruptedException {
        succeed("git", "add", "--all");
        succeed("git", "commit", "--quiet", "--message=test");
    }

    /** The uncommitted changes as a diff without context. */
    String diff() throws IOException, InterruptedException {
        return succeed("git", "diff", "--unified=0", "HEAD");
    }

    String read(String file) throws IOException {
        return Files.readString(root.resolve(file));
    }

    /** Replaces a text in a file. Fails if the file does not contain the text. */
    void replace(String file, String old, String replacement) throws IOException {
        var text = read(file);
        assertThat(text).contains(old);
        Files.writeString(root.resolve(file), text.replace(old, replacement));
    }

    /** Writes a fake program, which commands by {@link #withFakes} run instead of the real one. */
    void fake(String program, String text) throws IOException {
        var file = root.resolve(".git/bin").resolve(program);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    /** The command with the fake programs on its PATH. */
    static String[] withFakes(String... command) {
        return Stream.concat(Stream.of("bash", "-c", "PATH=$PWD/.git/bin:$PATH exec \"$@\"", "-"), Stream.of(command))
                .toArray(String[]::new);
    }

    /** The first value of a key in a YAML file, empty if there is none. */
    String value(String file, String key) throws IOException {
        return read(file)
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(key + ": "))
                .map(line -> line.substring(key.length() + 2))
                .findFirst()
                .orElse("");
    }

    /** Runs a command, and returns its output. Fails if the command fails. */
    String succeed(String... command) throws IOException, InterruptedException {
        var result = run(command);
        assertThat(result.exitCode()).as(result.output()).isZero();
        return result.output();
    }

    /** Runs a command that must fail and change nothing, and returns its output. */
    String refuse(String... command) throws IOException, InterruptedException {
        var before = state();
        var output = fail(command);
        assertThat(state()).isEqualTo(before);
        return output;
    }

    private String state() throws IOException, InterruptedException {
        return succeed("bash", "-ec", "git diff HEAD; git status --porcelain; git worktree list");
    }

    /** Runs a command that must end with exit code 2, wrong usage, and returns its output. */
    String fail(String... command) throws IOException, InterruptedException {
        var result = run(command);
        assertThat(result.exitCode()).as(result.output()).isEqualTo(2);
        return result.output();
    }

    /** Runs a command without input, for at most five minutes. */
    Result run(String... command) throws IOException, InterruptedException {
        // To a file: reading a pipe would wait forever for a command that hangs.
        var output = Files.createTempFile("command", ".log");
        try {
            var builder = new ProcessBuilder(command)
                    .directory(root.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(GIT);
            var process = builder.start();
            process.getOutputStream().close();
            if (!process.waitFor(5, TimeUnit.MINUTES)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError("'%s' did not end within five minutes:%n%s"
                        .formatted(String.join(" ", command), Files.readString(output)));
            }
            return new Result(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }
}
