package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.manifests.Kustomize;

/** {@code scripts/promote} changes the release of one environment, or changes nothing. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the scripts need bash")
class PromoteTest {

    private static final String PROMOTE = "scripts/promote";
    private static final String DIGEST = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static final String RELEASE = "1.2.3@" + DIGEST;
    private static final String MINIKUBE = "overlays/minikube/kustomization.yaml";
    private static final String GKE = "overlays/gke/kustomization.yaml";

    private static WorkingTree tree;

    /** A copy in the state before the first release, whatever the overlays contain now. */
    @BeforeAll
    static void copy(@TempDir Path folder) throws Exception {
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
        tree.start();
    }

    @BeforeEach
    void restart() throws Exception {
        tree.restart();
    }

    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void setsAReleaseAndChangesNothingElse(String environment) throws Exception {
        var output = tree.succeed(PROMOTE, RELEASE, environment);

        assertThat(output)
                .contains(environment + ": dev -> " + RELEASE)
                .contains("git commit --all --message '" + environment + " runs 1.2.3'");
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
        assertThat(tree.refuse(PROMOTE, release, "minikube")).contains("is not a release: use");
    }

    @Test
    void refusesASourceThatIsNotReleased() throws Exception {
        assertThat(tree.refuse(PROMOTE, "minikube", "gke")).contains("minikube runs 'dev', which is not a release");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.2.3", "v1.2.3", "1.2.3-rc.1"})
    void saysThatADigestIsMissing(String tag) throws Exception {
        var number = tag.replaceFirst("^v", "");
        assertThat(tree.refuse(PROMOTE, tag, "gke"))
                .contains("'" + tag + "' has no digest: use " + number + "@sha256:DIGEST")
                .contains("imagetools inspect " + tree.value(GKE, "newName") + ":" + number + "'");
    }

    @ParameterizedTest
    @CsvSource({"minikube, production", "minikube, ../tests/overlays/gke", "minikube, ''", RELEASE + ", production"})
    void refusesAnUnknownTarget(String from, String to) throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, from, to))
                .contains("'" + to + "' is not an environment: use one of gke minikube");
    }

    @ParameterizedTest
    @ValueSource(strings = {"production", "", "../tests/overlays/gke", "latest"})
    void refusesAnUnknownSource(String from) throws Exception {
        assertThat(tree.refuse(PROMOTE, from, "gke"))
                .contains("'" + from + "' is neither an environment nor a release: use one of gke minikube,")
                .contains("or a release such as 1.2.3@sha256:DIGEST");
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

    /** Kustomize renders the release, and the rest of the file does not change, including comments. */
    @ParameterizedTest
    @MethodSource("usercounter.scripts.Images#all")
    void understandsWhatPeopleAndToolsWrite(Images images) throws Exception {
        images.writeTo(tree, "ghcr.io/somebody/fork");
        tree.commit();
        var name = renderedName();

        tree.succeed(PROMOTE, RELEASE, Images.OVERLAY);

        assertThat(Images.render(tree)).containsExactly(name + ":1.2.3@" + DIGEST, images.redis());
        assertThat(tree.diff().lines().filter(line -> line.matches("[-+] .*")))
                .allMatch(line -> line.matches("[-+] +(- )?(newTag|digest): .*"));
        assertThat(tree.succeed("git", "diff", "--name-only").strip()).isEqualTo(Images.KUSTOMIZATION);
        tree.commit();
        assertThat(tree.succeed(PROMOTE, RELEASE, Images.OVERLAY)).contains("already runs");
    }

    private static String renderedName() throws IOException, InterruptedException {
        return Images.render(tree).findFirst().orElseThrow().replaceFirst("[:@].*", "");
    }

    @Test
    void keepsComments() throws Exception {
        tree.replace(GKE, "newTag: dev", "newTag: 'dev' # why");
        tree.commit();

        tree.succeed(PROMOTE, RELEASE, "gke");

        assertThat(tree.read(GKE)).contains("    newTag: 1.2.3 # why\n    digest: " + DIGEST + "\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user-counter=ghcr.io/a/b:2.0.0", "user-counter:2.0.0", "ghcr.io/a/b:2.0.0"})
    void understandsWhatKustomizeEditWrites(String image) throws Exception {
        Kustomize.KUSTOMIZE.require();
        Images.canonical().writeTo(tree, "ghcr.io/a/b");
        tree.succeed("bash", "-ec", "cd overlays/" + Images.OVERLAY + "; kustomize edit set image " + image);
        tree.commit();
        var name = renderedName();

        tree.succeed(PROMOTE, RELEASE, Images.OVERLAY);

        assertThat(Images.render(tree)).contains(name + ":1.2.3@" + DIGEST);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "images: []\n",
                "images: [{name: user-counter, newTag: dev}]\n",
                "images:\n  - {name: user-counter, newTag: dev}\n",
                "images:\n  - name: user-counter\n    tagSuffix: -1\n",
                "images:\n  - name: user-counter\n    newTag: &tag dev\n",
                "images:\n  - name: user-counter\n    newTag: >-\n",
                "images:\n  - name: user-counter\n   newTag: dev\n",
                "images:\n  - name: user-counter\n      newTag: dev\n",
                "images:\n  name: user-counter\n",
            })
    void refusesWhatItDoesNotUnderstand(String images) throws Exception {
        Files.writeString(tree.root().resolve(GKE), "resources: [../../base]\n" + images);
        tree.commit();

        assertThat(tree.refuse(PROMOTE, RELEASE, "gke"))
                .contains("promote: " + GKE + ", line ")
                .contains(images.strip().replaceFirst("(?s).*\n", "") + "' is not understood: write name, newName");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "images:\n  - name: redis\n    newTag: 8\n", "labels:\n- name: user-counter\n"})
    void refusesAnOverlayWithoutTheImage(String images) throws Exception {
        Files.writeString(tree.root().resolve(GKE), "resources: [../../base]\n" + images);
        tree.commit();

        assertThat(tree.refuse(PROMOTE, RELEASE, "gke"))
                .contains(GKE + " has no entry 'name: user-counter' below images:");
    }

    @Test
    void refusesAnEnvironmentWithAnotherImage() throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.replace(GKE, "newName: " + tree.value(GKE, "newName"), "newName: registry.example/other");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, "minikube", "gke")).contains("but gke runs registry.example/other");
    }

    /** A fake git changes a file after the check for uncommitted changes, like a concurrent editor. */
    @Test
    void takesItsChangeBackWhenThereIsAnotherOne() throws Exception {
        tree.fake("git", """
                #!/bin/sh
                test "$1" != diff || echo meanwhile >>README.md
                PATH=${PATH#*:} exec git "$@"
                """);
        var before = tree.read(MINIKUBE);

        var output = tree.fail(WorkingTree.withFakes(PROMOTE, RELEASE, "minikube"));

        assertThat(output).contains("other changes appeared meanwhile").contains("+meanwhile");
        assertThat(tree.read(MINIKUBE)).isEqualTo(before);
        assertThat(tree.read("README.md")).endsWith("meanwhile\n");
    }

    /** The printed commands can be copied and run. */
    @Test
    void saysHowThePullRequestIsMade() throws Exception {
        tree.succeed("git", "init", "--quiet", "--bare", ".git/origin");
        tree.succeed("git", "remote", "add", "origin", ".git/origin");
        tree.fake("gh", "#!/bin/sh\necho gh \"$@\"\n");

        var output = tree.succeed(PROMOTE, RELEASE, "gke");
        var commands = output.substring(output.indexOf("next: ") + 6, output.indexOf("To undo it later"));

        assertThat(tree.succeed(WorkingTree.withFakes("bash", "-euc", commands)))
                .contains("gh pr create --fill");
        assertThat(tree.succeed("git", "log", "-1", "--format=%s", "origin/gke-1.2.3")
                        .strip())
                .isEqualTo("gke runs 1.2.3");
    }
}
