package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import usercounter.Repository;

/** A repository that Argo CD syncs from, and its working copy: at first what this checkout holds, committed or not. */
final class GitRepository {

    private final Path folder;
    private final String url;

    GitRepository(Path folder, String url) {
        this.folder = folder;
        this.url = url;
        Repository.copyTo(folder);
        git("init", "--quiet", "--initial-branch=main");
        git("config", "user.name", "Cluster tests");
        git("config", "user.email", "cluster-tests@example.com");
        git("remote", "add", "origin", url);
        commit("Start");
        // Whatever an earlier run left there.
        git("push", "--quiet", "--force", "origin", "main");
    }

    Path folder() {
        return folder;
    }

    String url() {
        return url;
    }

    void edit(String file, UnaryOperator<String> edit) {
        try {
            Path path = folder.resolve(file);
            String before = Files.readString(path);
            String after = edit.apply(before);
            assertThat(after).as("edited " + file).isNotEqualTo(before);
            Files.writeString(path, after);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(String file, String text) {
        try {
            Files.writeString(folder.resolve(file), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void commit(String message) {
        git("add", "--all");
        git("commit", "--quiet", "--message=" + message);
    }

    /** Commits what was changed and pushes it. */
    String push(String message) {
        commit(message);
        return push();
    }

    /** Takes the last commit back by a new one, and pushes that. */
    String revert() {
        git("revert", "--no-edit", "HEAD");
        return push();
    }

    /** The revision that the last push made the newest. */
    String revision() {
        return git("rev-parse", "HEAD");
    }

    private String push() {
        git("push", "--quiet", "origin", "main");
        return revision();
    }

    private String git(String... arguments) {
        String[] command = new String[arguments.length + 3];
        command[0] = "git";
        command[1] = "-C";
        command[2] = folder.toString();
        System.arraycopy(arguments, 0, command, 3, arguments.length);
        return Shell.run(command);
    }
}
