package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import usercounter.Repository;

/** A repository that Argo CD syncs from, and its working tree, which starts as a copy of this one. */
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
        // Replaces the commits of an earlier run.
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
            assertThat(after)
                    .as(file + " after the edit, which found nothing to replace")
                    .isNotEqualTo(before);
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

    /** Commits and pushes all changes. */
    String push(String message) {
        commit(message);
        return push();
    }

    /** Reverts the last commit by a new commit, and pushes it. */
    String revert() {
        return revertTo("HEAD~1");
    }

    /** Reverts every commit after this one by a new commit, and pushes them. */
    String revertTo(String revision) {
        git("revert", "--no-edit", revision + "..HEAD");
        return push();
    }

    /** The newest revision. */
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
