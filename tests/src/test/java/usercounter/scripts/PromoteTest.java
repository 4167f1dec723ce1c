package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code scripts/promote} changes the release of one environment, or nothing. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the scripts need bash")
class PromoteTest {

    private static final String PROMOTE = "scripts/promote";
    private static final String DIGEST = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static final String RELEASE = "1.2.3@" + DIGEST;
    private static final String MINIKUBE = "overlays/minikube/kustomization.yaml";
    private static final String GKE = "overlays/gke/kustomization.yaml";

    @TempDir
    private Path folder;

    private WorkingTree tree;

    /** From the state before the first release, whatever the overlays say by now. */
    @BeforeEach
    void copy() throws Exception {
        tree = WorkingTree.in(folder);
        for (var overlay : new String[] {MINIKUBE, GKE}) {
            Files.writeString(
                    folder.resolve(overlay),
                    tree.read(overlay)
                            .replaceFirst("    newTag: .*", "    newTag: dev")
                            .replaceFirst("    digest: .*\n", ""));
        }
        tree.succeed("git", "add", "--all");
        tree.succeed("git", "commit", "--quiet", "--allow-empty", "--message=unreleased");
    }

    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void setsAReleaseAndChangesNothingElse(String environment) throws Exception {
        var output = tree.succeed(PROMOTE, RELEASE, environment);

        assertThat(output)
                .contains(environment + ": dev -> " + RELEASE)
                .contains("git commit -am '" + environment + " runs 1.2.3'");
        assertThat(tree.diff().lines().filter(line -> line.matches("[-+].*")))
                .containsExactly(
                        "--- a/overlays/" + environment + "/kustomization.yaml",
                        "+++ b/overlays/" + environment + "/kustomization.yaml",
                        "-    newTag: dev",
                        "+    newTag: 1.2.3",
                        "+    digest: " + DIGEST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.2.3", "0.0.1", "10.20.30", "1.2.3-rc.1"})
    void copiesWhatAnotherEnvironmentRuns(String tag) throws Exception {
        tree.succeed(PROMOTE, tag + "@" + DIGEST, "minikube");
        tree.commit();

        tree.succeed(PROMOTE, "minikube", "gke");

        assertThat(tree.value(GKE, "newTag")).isEqualTo(tag);
        assertThat(tree.value(GKE, "digest")).isEqualTo(DIGEST);
        assertThat(tree.succeed("git", "diff", "--name-only").strip()).isEqualTo(GKE);
    }

    @Test
    void changesNothingWhereTheReleaseRunsAlready() throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.commit();

        assertThat(tree.succeed(PROMOTE, RELEASE, "minikube")).contains("minikube already runs " + RELEASE);
        assertThat(tree.diff()).isEmpty();
    }

    @Test
    void isTakenBackByGitRevert() throws Exception {
        var before = tree.read(MINIKUBE);
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.commit();

        tree.succeed("git", "revert", "--no-edit", "HEAD");

        assertThat(tree.read(MINIKUBE)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.2.3@",
                "@" + DIGEST,
                "1.2@" + DIGEST,
                "v1.2.3@" + DIGEST,
                "01.2.3@" + DIGEST,
                "1.2.3-@" + DIGEST,
                "1.2.3+build@" + DIGEST,
                "latest@" + DIGEST,
                "1.2.3 @" + DIGEST,
                "1.2.3@sha256:0123",
                "1.2.3@" + DIGEST + "0",
                "1.2.3@sha512:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "1.2.3@sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
                RELEASE + "\n",
            })
    void refusesWhatIsNoRelease(String release) throws Exception {
        assertThat(tree.refuse(PROMOTE, release, "minikube")).contains("is no release");
    }

    @Test
    void refusesASourceThatIsNotReleased() throws Exception {
        assertThat(tree.refuse(PROMOTE, "minikube", "gke")).contains("minikube runs dev, which is no release");
    }

    @ParameterizedTest
    @CsvSource({"minikube, production", "production, gke", "1.2.3, gke", "minikube, ../tests/overlays/gke", "'', gke"})
    void refusesAnUnknownEnvironment(String from, String to) throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, from, to)).contains("is no environment: overlays/ has gke minikube");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "minikube", "minikube gke extra"})
    void refusesAnotherNumberOfArguments(String arguments) throws Exception {
        assertThat(tree.refuse("bash", "-c", PROMOTE + " " + arguments)).startsWith("usage: ");
    }

    @Test
    void refusesUncommittedChanges() throws Exception {
        tree.replace("README.md", "user-counter", "other");

        assertThat(tree.refuse(PROMOTE, RELEASE, "minikube")).contains("uncommitted changes");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "    newTag: 1.0.0\n    digest: sha256:0123\n    extra: 1\n",
                "    digest: sha256:0123\n    newTag: 1.0.0\n",
                "    newTag: 1.0.0 # why\n",
                "    newTag: 1.0.0\n  - name: nginx\n    newTag: 1.0.0\n",
                "",
            })
    void refusesImagesOfAnotherShape(String rest) throws Exception {
        tree.replace(GKE, "    newTag: dev\n", rest);
        tree.commit();

        assertThat(tree.refuse(PROMOTE, RELEASE, "gke")).contains(GKE + ": images is not one entry of");
    }

    @Test
    void refusesAnEnvironmentWithAnotherImage() throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.replace(GKE, "newName: " + tree.value(GKE, "newName"), "newName: registry.example/other");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, "minikube", "gke")).contains("but gke runs registry.example/other");
    }

    /** Somebody writes to a file after the check for uncommitted changes: a git that does so plays them. */
    @Test
    void takesItsChangeBackWhenThereIsAnotherOne() throws Exception {
        var git = folder.resolve(".git/bin/git");
        Files.createDirectories(git.getParent());
        Files.writeString(git, """
                #!/bin/sh
                test "$1" != diff || echo meanwhile >>README.md
                PATH=${PATH#*:} exec git "$@"
                """);
        assertThat(git.toFile().setExecutable(true)).isTrue();
        var before = tree.read(MINIKUBE);

        var output = tree.fail("bash", "-c", "PATH=$PWD/.git/bin:$PATH " + PROMOTE + " " + RELEASE + " minikube");

        assertThat(output)
                .contains("more than the release of minikube would change")
                .contains("+meanwhile");
        assertThat(tree.read(MINIKUBE)).isEqualTo(before);
        assertThat(tree.read("README.md")).endsWith("meanwhile\n");
    }
}
