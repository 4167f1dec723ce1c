package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
import usercounter.cluster.Documentation;
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
        Kustomize.KUSTOMIZE.require();
        tree = WorkingTree.in(folder);
        for (var overlay : new String[] {MINIKUBE, GKE}) {
            Files.writeString(
                    folder.resolve(overlay),
                    tree.read(overlay)
                            .replaceFirst("- digest: .*\n ", "-")
                            .replaceFirst("  newTag: .*", "  newTag: dev"));
        }
        tree.succeed("git", "add", "--all");
        tree.succeed("git", "commit", "--quiet", "--allow-empty", "--message=unreleased");
        tree.succeed("git", "init", "--quiet", "--bare", ".git/origin");
        tree.succeed("git", "remote", "add", "origin", ".git/origin");
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
                .contains("git commit --message '" + environment + " runs 1.2.3' overlays/" + environment);
        assertThat(tree.diff().lines().filter(line -> line.matches("[-+].*")))
                .containsExactly(
                        "--- a/overlays/" + environment + "/kustomization.yaml",
                        "+++ b/overlays/" + environment + "/kustomization.yaml",
                        "-- name: user-counter",
                        "+- digest: " + DIGEST,
                        "+  name: user-counter",
                        "-  newTag: dev",
                        "+  newTag: 1.2.3");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.2.3", "0.0.1", "10.20.30", "1.2.3-rc.1"})
    void copiesWhatAnotherEnvironmentRuns(String tag) throws Exception {
        tree.succeed(PROMOTE, tag + "@" + DIGEST, "minikube");
        tree.commit();

        tree.succeed(PROMOTE, "minikube", "gke");

        assertThat(tree.value(GKE, "newTag")).isEqualTo(tag);
        assertThat(tree.value(GKE, "- digest")).isEqualTo(DIGEST);
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
    void refusesUncommittedChangesOfTheOverlay() throws Exception {
        tree.replace(MINIKUBE, "# The release", "# Our release");

        assertThat(tree.refuse(PROMOTE, RELEASE, "minikube")).contains("overlays/minikube has uncommitted changes");
    }

    /** Kustomize renders the release, and nothing else differs. */
    @ParameterizedTest
    @MethodSource("usercounter.scripts.Images#all")
    void understandsWhatPeopleAndToolsWrite(Images images) throws Exception {
        images.writeTo(tree, "ghcr.io/somebody/fork");
        tree.commit();
        var name = renderedName();

        tree.succeed(PROMOTE, RELEASE, Images.OVERLAY);

        assertThat(Images.render(tree)).containsExactly(name + ":1.2.3@" + DIGEST, images.redis());
        assertThat(tree.succeed("git", "diff", "--name-only").strip()).isEqualTo(Images.KUSTOMIZATION);
        tree.commit();
        assertThat(tree.succeed(PROMOTE, RELEASE, Images.OVERLAY)).contains("already runs");
    }

    private static String renderedName() throws IOException, InterruptedException {
        return Images.render(tree).findFirst().orElseThrow().replaceFirst("[:@].*", "");
    }

    @Test
    void keepsTheCommentAbove() throws Exception {
        tree.succeed(PROMOTE, RELEASE, "gke");

        assertThat(tree.read(GKE)).contains("# The release of this environment");
    }

    /** It never claims what Kustomize does not render. */
    @Test
    void refusesAnOverlayWithAnotherEntryForTheImage() throws Exception {
        tree.replace(GKE, tree.value(GKE, "newName"), "zoo.example/counter");
        Files.writeString(tree.root().resolve(GKE), tree.read(GKE) + "- name: zoo.example/counter\n  newTag: 9.9.9\n");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, RELEASE, "gke"))
                .contains("Kustomize still renders zoo.example/counter:9.9.9: remove the other entries");
    }

    /** By the commands of docs/argocd.md for another environment. */
    @Test
    void promotesFromEnvironmentToEnvironment() throws Exception {
        tree.fake("kubectl", "#!/bin/sh\n");
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.commit();
        tree.succeed(WorkingTree.withFakes(
                "bash", "-euc", "ENVIRONMENT=gke; " + Documentation.commands("docs/argocd.md", "Another environment")));

        for (var step : List.of(List.of("minikube", "staging"), List.of("staging", "gke"))) {
            var to = step.get(1);
            assertThat(tree.succeed(PROMOTE, step.get(0), to)).contains(to + ": dev -> " + RELEASE);
            tree.commit();
        }

        for (var environment : List.of("minikube", "staging", "gke")) {
            assertThat(Kustomize.KUSTOMIZE.build(tree.root().resolve("overlays/" + environment)))
                    .contains("image: " + tree.value(MINIKUBE, "newName") + ":" + RELEASE + "\n")
                    .contains("namespace: user-counter" + (environment.equals("staging") ? "-staging" : "") + "\n");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "images:\n  - name: redis\n    newTag: '8'\n", "labels:\n- pairs: {name: user-counter}\n"})
    void refusesAnOverlayWithoutTheImage(String images) throws Exception {
        Files.writeString(tree.root().resolve(GKE), "resources: [../../base]\n" + images);
        tree.commit();

        assertThat(tree.refuse(PROMOTE, RELEASE, "gke"))
                .contains(GKE + " has no newName for user-counter: add it below images:");
    }

    @Test
    void refusesAnEnvironmentWithAnotherImage() throws Exception {
        tree.succeed(PROMOTE, RELEASE, "minikube");
        tree.replace(GKE, "newName: " + tree.value(GKE, "newName"), "newName: registry.example/other");
        tree.commit();

        assertThat(tree.refuse(PROMOTE, "minikube", "gke")).contains("but gke runs registry.example/other");
    }

    /** The printed commands can be copied and run. They leave out other uncommitted changes. */
    @Test
    void saysHowThePullRequestIsMade() throws Exception {
        tree.fake("gh", "#!/bin/sh\necho gh \"$@\"\n");

        tree.replace("README.md", "user-counter", "other");
        var output = tree.succeed(PROMOTE, RELEASE, "gke");
        var commands = output.substring(output.indexOf("next: ") + 6, output.indexOf("To undo it later"));

        assertThat(tree.succeed(WorkingTree.withFakes("bash", "-euc", commands)))
                .contains("gh pr create --fill");
        assertThat(tree.succeed("git", "log", "-1", "--format=%s", "origin/gke-1.2.3")
                        .strip())
                .isEqualTo("gke runs 1.2.3");
        assertThat(tree.succeed("git", "show", "--name-only", "--format=").strip())
                .isEqualTo(GKE);
    }

    @Test
    void saysThatKustomizeIsMissing() throws Exception {
        tree.fake("bash", "#!/bin/sh\nexec /bin/bash \"$@\"\n");
        tree.succeed("bash", "-c", "ln -s $(command -v git env dirname cat) .git/bin");

        assertThat(tree.refuse("/bin/bash", "-c", "PATH=$PWD/.git/bin scripts/promote " + RELEASE + " gke"))
                .contains("there is no kustomize: install it");
    }
}
