package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.manifests.Kustomize;

/** {@code scripts/fork} puts another repository and image in the place of this one's, everywhere or nowhere. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the scripts need bash")
class ForkTest {

    private static final String FORK = "scripts/fork";
    private static final String URL = "https://github.com/Somebody-Else/A.Fork.git";
    private static final String IMAGE = "ghcr.io/somebody-else/a.fork";
    private static final String APPLICATION = "argocd/base/application.yaml";
    private static final String MINIKUBE = "overlays/minikube/kustomization.yaml";
    private static final String GKE = "overlays/gke/kustomization.yaml";

    @TempDir
    private Path folder;

    private WorkingTree tree;
    private String oldPage;
    private String oldImage;

    @BeforeEach
    void copy() throws Exception {
        tree = WorkingTree.in(folder);
        oldPage = tree.value(APPLICATION, "repoURL").replaceFirst("\\.git$", "");
        oldImage = tree.value(MINIKUBE, "newName");
    }

    @ParameterizedTest
    @CsvSource({
        URL + ",, " + IMAGE,
        "https://github.com/Somebody-Else/A.Fork,, " + IMAGE,
        "https://github.com/Somebody-Else/A.Fork/,, " + IMAGE,
        "https://github.com/somebody-else/fork.git, registry.example:5000/team/fork, registry.example:5000/team/fork",
        "http://10.0.0.1:3000/fork.git, ghcr.io/a/b, ghcr.io/a/b",
        "https://dev.azure.com/org/a%20project/_git/fork, example.azurecr.io/fork, example.azurecr.io/fork",
    })
    void leavesNothingOfTheOldNames(String url, String image, String newImage) throws Exception {
        assertThat(namesOf(oldPage)).isNotEmpty();
        assertThat(namesOf(oldImage)).isNotEmpty();

        run(url, image);

        assertThat(namesOf(oldPage)).isEmpty();
        assertThat(namesOf(oldImage)).isEmpty();
        assertThat(tree.value(APPLICATION, "repoURL")).isEqualTo(url.replaceFirst("/$", ""));
        assertThat(tree.read("app/Containerfile"))
                .contains("image.source=\"" + url.replaceFirst("(\\.git|/)$", "") + "\"");
        assertThat(tree.value(MINIKUBE, "newName")).isEqualTo(newImage);
        assertThat(tree.value(GKE, "newName")).isEqualTo(newImage);
    }

    @ParameterizedTest
    @EnumSource(Kustomize.class)
    void overlaysRenderWithTheNewImage(Kustomize builder) throws Exception {
        run(URL, null);

        for (var overlay :
                new String[] {"overlays/minikube", "overlays/gke", "tests/overlays/minikube", "tests/overlays/gke"}) {
            assertThat(builder.build(folder.resolve(overlay))).contains("image: " + IMAGE + ":dev\n");
        }
    }

    @Test
    void changesNothingTheSecondTime() throws Exception {
        run(URL, null);
        tree.commit();

        assertThat(run(URL, null)).contains("nothing to do");
        assertThat(tree.diff()).isEmpty();
    }

    @Test
    void movesOnFromOneForkToTheNext() throws Exception {
        run("https://git.example/fork", "registry.example/fork");
        tree.commit();
        run("https://git.example/fork/of/fork.git", "registry.example/fork/of/fork");
        tree.commit();
        run(URL, null);

        assertThat(tree.value(APPLICATION, "repoURL")).isEqualTo(URL);
        assertThat(tree.value(MINIKUBE, "newName")).isEqualTo(IMAGE);
    }

    @Test
    void doesNotKeepReleasesOfTheOldImage() throws Exception {
        var release = "1.2.3@sha256:" + "0123456789abcdef".repeat(4);
        for (var environment : new String[] {"minikube", "gke"}) {
            tree.succeed("scripts/promote", release, environment);
            tree.commit();
        }

        run(URL, null);

        for (var overlay : new String[] {MINIKUBE, GKE}) {
            assertThat(tree.read(overlay)).endsWith("    newName: " + IMAGE + "\n    newTag: dev\n");
        }
    }

    @Test
    void keepsReleasesOfAnImageThatStays() throws Exception {
        tree.succeed("scripts/promote", "1.2.3@sha256:" + "0123456789abcdef".repeat(4), "minikube");
        tree.commit();

        run(URL, oldImage);

        assertThat(tree.value(MINIKUBE, "newTag")).isEqualTo("1.2.3");
    }

    @Test
    void leavesLongerNamesAlone() throws Exception {
        var text = oldPage + "-docs " + oldPage + "_2 " + oldImage + "-docs:dev " + oldImage + "2\n";
        Files.writeString(folder.resolve("others.txt"), text);
        tree.commit();

        run(URL, null);

        assertThat(tree.read("others.txt")).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "fork",
                "github.com/somebody/fork",
                "git@github.com:somebody/fork.git",
                "https://github.com",
                "https://user:password@github.com/somebody/fork",
                "https://github.com/somebody/a fork",
                "https://github.com/somebody/fork?ref=main",
                "https://github.com/somebody/fork,s",
                "https://github.com/somebody/fork\n",
            })
    void refusesWhatIsNoUrl(String url) throws Exception {
        assertThat(tree.refuse(FORK, url)).contains("is no URL such as");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "fork", "ghcr.io/Somebody/fork", "ghcr.io/somebody/fork:1.0.0", "ghcr.io/a/b@sha256:01", "/a"
            })
    void refusesWhatIsNoImage(String image) throws Exception {
        assertThat(tree.refuse(FORK, URL, image)).contains("is no name of an image such as");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://github.com/somebody", "https://github.com/a/b/c", "https://gitlab.com/a/b.git"})
    void refusesToGuessAnImage(String url) throws Exception {
        assertThat(tree.refuse(FORK, url)).contains("say the image, too");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b c"})
    void refusesAnotherNumberOfArguments(String arguments) throws Exception {
        assertThat(tree.refuse("bash", "-c", FORK + " " + arguments)).startsWith("usage: ");
    }

    @Test
    void refusesUncommittedChanges() throws Exception {
        tree.replace("README.md", "user-counter", "other");

        assertThat(tree.refuse(FORK, URL)).contains("uncommitted changes");
    }

    @ParameterizedTest
    @CsvSource({APPLICATION + ", repoURL", MINIKUBE + ", newName"})
    void refusesATreeThatDoesNotSayWhatItIs(String file, String key) throws Exception {
        tree.replace(file, key + ": ", "other: ");
        tree.commit();

        assertThat(tree.refuse(FORK, URL)).contains(file + " has no " + key);
    }

    private String run(String url, String image) throws IOException, InterruptedException {
        return image == null ? tree.succeed(FORK, url) : tree.succeed(FORK, url, image);
    }

    /** The files that contain a text. */
    private String namesOf(String text) throws IOException, InterruptedException {
        return tree.succeed("bash", "-c", "git grep -ilF -e \"$0\" || test $? = 1", text);
    }
}
