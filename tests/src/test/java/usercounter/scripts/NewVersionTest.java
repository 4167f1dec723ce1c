package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import usercounter.cluster.Documentation;

/** A fork takes over a new version by the commands of docs/fork.md. Only what both sides changed conflicts. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the commands need bash")
class NewVersionTest {

    private static final String URL = "https://git.example/team/tea.git";
    private static final String ARGUMENTS = URL + " registry.example/tea com.example.tea";
    private static final String CODE = "app/src/main/java/com/example/tea/LogFields.java";

    private static WorkingTree upstream;
    private static String oldName;

    private WorkingTree fork;

    @BeforeAll
    static void copy(@TempDir Path folder) throws Exception {
        upstream = WorkingTree.withoutMaven(folder);
        oldName = upstream.succeed("scripts/fork", "--present").split(" ")[0];
        assumeThat(oldName).as("a name that can be replaced").contains("-");
    }

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        upstream.succeed("git", "switch", "--quiet", "--force-create", "main", "start");
        var origin = folder.resolve("origin.git").toString();
        upstream.succeed("git", "clone", "--quiet", "--bare", ".", origin);
        upstream.succeed("git", "clone", "--quiet", origin, folder + "/fork");
        fork = new WorkingTree(folder.resolve("fork"));
    }

    private void fork(String name) throws Exception {
        fork.succeed(
                "bash",
                "-euc",
                "NAME=%s REPOSITORY=%s IMAGE=registry.example/tea PACKAGE=com.example.tea\n".formatted(name, URL)
                        + Documentation.commands("docs/fork.md", "Give it your name"));
    }

    private WorkingTree.Result takeOver(String arguments) throws Exception {
        return fork.run(
                "bash",
                "-euc",
                "UPSTREAM=" + upstream.root() + "\n"
                        + Documentation.commands("docs/fork.md", "Take over a new version")
                                .replace("\"$@\"", arguments));
    }

    private static void append(WorkingTree tree, String file, String text) throws IOException {
        Files.writeString(tree.root().resolve(file), text + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Changes, adds, moves and deletes files. */
    private void changeUpstream() throws Exception {
        append(upstream, "CONTRIBUTING.md", "The name is " + oldName);
        append(upstream, "docs/new.md", oldName);
        if (Files.exists(upstream.root().resolve("bench"))) {
            append(upstream, "bench/README.md", "A new figure");
        }
        upstream.succeed("git", "mv", "docs/logs.md", "docs/fields.md");
        upstream.succeed("git", "rm", "--quiet", "docs/glossary.md");
        upstream.commit();
    }

    private List<String> conflicts() throws Exception {
        var conflicts = fork.succeed("git", "diff", "--name-only", "--diff-filter=U")
                .lines()
                .toList();
        System.out.printf("MEASURED conflicts with a new version: %d%n", conflicts.size());
        return conflicts;
    }

    @Test
    void nothingConflictsWhereTheTeamChangedNothing() throws Exception {
        fork("tea-shop");
        append(fork, "README.md", "Ours");
        append(fork, CODE, "// Ours");
        append(fork, "docs/ours.md", "Ours");
        fork.commit();
        changeUpstream();

        assertMerged(takeOver("\"$@\""));

        assertThat(fork.succeed("git", "diff", "--name-only", "HEAD^2", "HEAD").lines())
                .containsExactly("README.md", CODE, "docs/ours.md");
        assertThat(fork.read("CONTRIBUTING.md")).endsWith("The name is tea-shop\n");
        assertThat(fork.read("docs/new.md")).isEqualTo("tea-shop\n");
        assertThat(fork.succeed("git", "ls-files", "docs/fields.md", "docs/logs.md", "docs/glossary.md", "bench"))
                .isEqualTo("docs/fields.md\n");
        assertThat(fork.succeed("git", "status", "--short", "--branch"))
                .startsWith("## main")
                .hasLineCount(1);

        // The version after that, when the name is another one.
        fork.succeed(("scripts/fork coffee-bar " + ARGUMENTS).split(" "));
        fork.commit();
        append(upstream, "docs/fields.md", "Newer: " + oldName);
        upstream.commit();

        assertMerged(takeOver("\"$@\""));

        assertThat(fork.read("docs/fields.md")).endsWith("\nNewer: coffee-bar\n");
        assertThat(fork.read("docs/ours.md")).isEqualTo("Ours\n");
    }

    private void assertMerged(WorkingTree.Result result) throws Exception {
        assertThat(conflicts()).isEmpty();
        assertThat(result.exitCode()).as(result.output()).isZero();
    }

    @Test
    void whatBothChangedConflictsAndNothingIsLost() throws Exception {
        fork("tea-shop");
        append(fork, "README.md", "Ours");
        append(fork, "docs/glossary.md", "Ours");
        append(upstream, "README.md", "Theirs");
        changeUpstream();

        assertThat(takeOver("\"$@\"").exitCode()).as("with uncommitted changes").isNotZero();
        assertThat(fork.succeed("git", "status", "--short", "--branch"))
                .startsWith("## main")
                .endsWith(" M README.md\n M docs/glossary.md\n");
        fork.commit();
        var result = takeOver("\"$@\"");

        assertThat(result.exitCode()).as(result.output()).isEqualTo(1);
        assertThat(conflicts()).containsExactly("README.md", "docs/glossary.md");
    }

    /** With the version that the fork has. */
    @Test
    void givesAnotherNameInsteadOfOneWord() throws Exception {
        fork("order");
        append(fork, CODE, "// Ours");
        fork.commit();

        assertMerged(takeOver("tea-shop " + ARGUMENTS));

        assertThat(fork.succeed("scripts/fork", "--present")).isEqualTo("tea-shop " + ARGUMENTS + "\n");
        assertThat(fork.read(CODE)).endsWith("// Ours\n");
        assertThat(fork.read("base/kustomization.yaml")).contains("namespace: tea-shop\n");
    }

    @Test
    void startsOnlyFromTheCommitOfAFork() throws Exception {
        assertThat(takeOver("\"$@\"").exitCode()).isNotZero();

        assertThat(fork.succeed("git", "status", "--short", "--branch"))
                .startsWith("## main")
                .hasLineCount(1);
    }
}
