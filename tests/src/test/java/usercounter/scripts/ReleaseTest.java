package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;
import usercounter.Repository;
import usercounter.manifests.Kustomize;

/** The commands of {@code .github/workflows/release.yaml}, in clones of a temporary repository. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the workflow's commands are for bash")
class ReleaseTest {

    /** A fake of GitHub's program gh: it logs its arguments, and remembers what it has created. */
    private static final String GH = """
            #!/bin/sh
            echo "$@" >>"$0.log"
            case "$1 $2" in
              "pr list") grep -c "^pr create" "$0.log" || true ;;
              "release view") grep -q "^release create" "$0.log" ;;
            esac
            """;

    @TempDir
    private Path folder;

    private WorkingTree origin;
    private int clones;

    @BeforeEach
    void start() throws Exception {
        Kustomize.KUSTOMIZE.require();
        origin = WorkingTree.in(Files.createDirectory(folder.resolve("origin")));
        origin.fake("gh", GH);
    }

    @Test
    void opensAPullRequestOnce() throws Exception {
        promote();
        promote();

        assertThat(origin.succeed("git", "show", "release-1.2.3:overlays/minikube/kustomization.yaml"))
                .contains("- digest: " + Images.DIGEST)
                .contains("  newTag: 1.2.3\n");
        assertThat(origin.read(".git/bin/gh.log").lines().filter(line -> line.startsWith("pr create")))
                .hasSize(1);
    }

    @Test
    void writesTheNotesOnce() throws Exception {
        origin.succeed(step("notes"));
        origin.succeed(step("notes"));

        assertThat(origin.read(".git/bin/gh.log").lines().filter(line -> line.startsWith("release create")))
                .containsExactly("release create v1.2.4 --verify-tag --generate-notes");
    }

    @Test
    void hasNothingToDoAfterTheMerge() throws Exception {
        promote();
        origin.succeed("git", "merge", "--quiet", "--ff-only", "release-1.2.3");
        origin.succeed("git", "branch", "--delete", "release-1.2.3");
        var log = origin.read(".git/bin/gh.log");

        promote();

        assertThat(origin.read(".git/bin/gh.log")).isEqualTo(log);
        assertThat(origin.succeed("git", "branch", "--format=%(refname:short)").strip())
                .isEqualTo("main");
    }

    @Test
    void releasesOnlyCommitsOfMain() throws Exception {
        origin.succeed("git", "commit", "--quiet", "--allow-empty", "--message=older");
        origin.succeed("git", "tag", "v1.2.3");
        origin.succeed("git", "commit", "--quiet", "--allow-empty", "--message=newer");
        var older = cloneAt("v1.2.3").run(step("main"));
        assertThat(older.exitCode()).as(older.output()).isZero();

        origin.succeed("git", "switch", "--quiet", "--detach");
        origin.succeed("git", "commit", "--quiet", "--allow-empty", "--message=elsewhere");
        origin.succeed("git", "tag", "v1.2.4");
        var elsewhere = cloneAt("v1.2.4").run(step("main"));
        assertThat(elsewhere.exitCode()).as(elsewhere.output()).isEqualTo(1);
        assertThat(elsewhere.output()).contains("v1.2.4 is not on main");
        assertThat(job("verify")).containsEntry("needs", "main");
    }

    /** Runs the commands of the last job. */
    private void promote() throws Exception {
        cloneAt("main").succeed(step("promote"));
    }

    private WorkingTree cloneAt(String ref) throws Exception {
        var clone = "clone" + ++clones;
        origin.succeed("git", "clone", "--quiet", "--branch", ref, ".", "../" + clone);
        return new WorkingTree(folder.resolve(clone));
    }

    /** The commands of the last step of a job, run like GitHub runs them. */
    private String[] step(String job) throws Exception {
        var steps = (List<?>) job(job).get("steps");
        var commands = (String) ((Map<?, ?>) steps.get(steps.size() - 1)).get("run");
        return new String[] {
            "env",
            "PATH=" + origin.root().resolve(".git/bin") + ":" + System.getenv("PATH"),
            "GITHUB_REF_NAME=v1.2.4",
            "VERSION=1.2.3",
            "DIGEST=" + Images.DIGEST,
            "bash",
            "-ec",
            commands
        };
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> job(String name) throws Exception {
        Map<String, Object> workflow =
                new Yaml().load(Files.readString(Repository.ROOT.resolve(".github/workflows/release.yaml")));
        return (Map<String, Object>) ((Map<String, Object>) workflow.get("jobs")).get(name);
    }
}
