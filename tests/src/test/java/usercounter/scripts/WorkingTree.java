package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import usercounter.Repository;

/** A repository of its own with this one's files, as they are now: a test may do with it what it likes. */
record WorkingTree(Path root) {

    /** A command's end: its exit code, and what it printed on both streams. */
    record Result(int exitCode, String output) {}

    /** Whatever the developer has configured, such as a signature that asks for a password. */
    private static final Map<String, String> GIT = Map.of(
            "GIT_CONFIG_NOSYSTEM", "1",
            "GIT_CONFIG_GLOBAL", "nowhere",
            "GIT_AUTHOR_NAME", "test",
            "GIT_AUTHOR_EMAIL", "test@example.com",
            "GIT_COMMITTER_NAME", "test",
            "GIT_COMMITTER_EMAIL", "test@example.com");

    /** A copy in this folder, committed. */
    static WorkingTree in(Path folder) throws IOException, InterruptedException {
        Repository.copyTo(folder);
        var tree = new WorkingTree(folder);
        tree.succeed("git", "init", "--quiet");
        tree.commit();
        return tree;
    }

    /** Commits everything, also what is new. */
    void commit() throws IOException, InterruptedException {
        succeed("git", "add", "--all");
        succeed("git", "commit", "--quiet", "--message=test");
    }

    /** What is not committed, as lines of a diff without context. */
    String diff() throws IOException, InterruptedException {
        return succeed("git", "diff", "--unified=0", "HEAD");
    }

    String read(String file) throws IOException {
        return Files.readString(root.resolve(file));
    }

    /** Changes a file that contains what is to be replaced. */
    void replace(String file, String old, String replacement) throws IOException {
        var text = read(file);
        assertThat(text).contains(old);
        Files.writeString(root.resolve(file), text.replace(old, replacement));
    }

    /** The value that a file of YAML first gives to a key. */
    String value(String file, String key) throws IOException {
        return read(file)
                .lines()
                .map(String::strip)
                .filter(line -> line.startsWith(key + ": "))
                .map(line -> line.substring(key.length() + 2))
                .findFirst()
                .orElse("");
    }

    /** Runs a command that has to succeed, and returns what it printed. */
    String succeed(String... command) throws IOException, InterruptedException {
        var result = run(command);
        assertThat(result.exitCode()).as(result.output()).isZero();
        return result.output();
    }

    /** Runs a command that has to be refused, with nothing changed, and returns what it says. */
    String refuse(String... command) throws IOException, InterruptedException {
        var before = diff();
        var output = fail(command);
        assertThat(diff()).isEqualTo(before);
        return output;
    }

    /** Runs a command that has to end as wrong usage does, and returns what it says. */
    String fail(String... command) throws IOException, InterruptedException {
        var result = run(command);
        assertThat(result.exitCode()).as(result.output()).isEqualTo(2);
        return result.output();
    }

    private Result run(String... command) throws IOException, InterruptedException {
        var builder = new ProcessBuilder(command).directory(root.toFile()).redirectErrorStream(true);
        builder.environment().putAll(GIT);
        var process = builder.start();
        process.getOutputStream().close();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
