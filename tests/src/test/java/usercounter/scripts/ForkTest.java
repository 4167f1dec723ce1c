package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.manifests.Kustomize;

/** {@code scripts/fork} replaces this repository's URL and image everywhere, or changes nothing. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the scripts need bash")
class ForkTest {

    private static final String FORK = "scripts/fork";
    private static final String PAGE = "https://github.com/Somebody-Else/A.Fork";
    private static final String URL = PAGE + ".git";
    private static final String IMAGE = "ghcr.io/somebody-else/a.fork";
    private static final String APPLICATION = "argocd/base/application.yaml";
    private static final String MINIKUBE = "overlays/minikube/kustomization.yaml";
    private static final String GKE = "overlays/gke/kustomization.yaml";

    private static WorkingTree tree;
    private static String oldPage;
    private static String oldImage;

    @BeforeAll
    static void copy(@TempDir Path folder) throws Exception {
        Kustomize.KUSTOMIZE.require();
        tree = WorkingTree.in(folder);
        tree.start();
        oldPage = tree.value(APPLICATION, "repoURL").replaceFirst("\\.git$", "");
        oldImage = tree.value(MINIKUBE, "newName");
    }

    @BeforeEach
    void restart() throws Exception {
        tree.restart();
    }

    @ParameterizedTest
    @CsvSource({
        URL + ",, " + PAGE + ", " + IMAGE,
        PAGE + ",, " + PAGE + ", " + IMAGE,
        PAGE + "/,, " + PAGE + ", " + IMAGE,
        "git@github.com:Somebody-Else/A.Fork.git,, " + PAGE + ", " + IMAGE,
        "ssh://git@github.com/Somebody-Else/A.Fork.git,, " + PAGE + ", " + IMAGE,
        PAGE + ", registry.example:5000/team/fork, " + PAGE + ", registry.example:5000/team/fork",
        "http://10.0.0.1:3000/fork.git, ghcr.io/a/b, http://10.0.0.1:3000/fork, ghcr.io/a/b",
        "ssh://git@git.example:2222/team/fork.git, ghcr.io/a/b, https://git.example/team/fork, ghcr.io/a/b",
        "git@git.example:team/sub/fork, ghcr.io/a/b, https://git.example/team/sub/fork, ghcr.io/a/b",
        "https://dev.azure.com/org/a%20b/_git/fork, a.azurecr.io/fork, https://dev.azure.com/org/a%20b/_git/fork, a.azurecr.io/fork",
    })
    void leavesNothingOfTheOldNames(String url, String image, String page, String newImage) throws Exception {
        assertThat(namesOf(oldPage)).isNotEmpty();
        assertThat(namesOf(oldImage)).isNotEmpty();

        run(url, image);

        assertThat(namesOf(oldPage)).isEmpty();
        assertThat(namesOf(oldImage)).isEmpty();
        assertThat(tree.value(APPLICATION, "repoURL")).isEqualTo(url.replaceFirst("/$", ""));
        assertThat(tree.read("app/Containerfile")).contains("image.source=\"" + page + "\"");
        assertThat(tree.value(MINIKUBE, "newName")).isEqualTo(newImage);
        assertThat(tree.value(GKE, "newName")).isEqualTo(newImage);
    }

    /** Only on GitHub does the workflow sign an image, with an identity of GitHub. */
    @Test
    void claimsNoWorkflowOfAnotherHost() throws Exception {
        var page = "https://gitlab.example/team/fork";

        run(page, "registry.example/team/fork");

        assertThat(namesOf(page + "/.github")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Kustomize.class)
    void overlaysRenderWithTheNewImage(Kustomize builder) throws Exception {
        run(URL, null);

        for (var overlay :
                new String[] {"overlays/minikube", "overlays/gke", "tests/overlays/minikube", "tests/overlays/gke"}) {
            assertThat(builder.build(tree.root().resolve(overlay))).contains("image: " + IMAGE + ":dev\n");
        }
    }

    @Test
    void changesNothingTheSecondTime() throws Exception {
        run(URL, null);
        tree.commit();

        assertThat(run(URL, null)).contains("nothing to do");
        assertThat(tree.diff()).isEmpty();
    }

    /** The result does not depend on the old names, even if one name contains another. */
    @ParameterizedTest
    @CsvSource({
        "https://git.example/a/b.git, git.example/a/b, https://git.example/a/b.git, registry.example/a/b",
        "https://git.example/a/b.git, git.example/a/b, https://other.example/c.git, git.example/a/b",
        "https://git.example/a/b.git, registry.example/a/b, https://registry.example/a/b.git, git.example/a/b",
        "https://git.example/a, registry.example/a, https://git.example/a/b/a.git, registry.example/a/b/a",
        "https://git.example/a/b/a.git, registry.example/a/b/a, https://git.example/a, registry.example/a",
        "https://git.example/a, registry.example/a, https://git.example/a.b, registry.example/a.b",
        "git@git.example:a/b.git, git.example/a/b, https://git.example/a/b.git, git.example/a",
        "ssh://git@git.example/a/b.git, git.example/a/b, git@git.example:a/b, git.example/a/b/c",
        "git@git.example:a/b, registry.example/a, ssh://git@git.example/a/b.git, git.example/registry.example/a",
    })
    void isTheSameAfterAnotherFork(String url, String image, String nextUrl, String nextImage) throws Exception {
        run(nextUrl, nextImage);
        tree.commit();
        var expected = tree.succeed("git", "rev-parse", "HEAD").strip();

        tree.restart();
        run(url, image);
        tree.commit();
        run(nextUrl, nextImage);

        assertThat(tree.succeed("git", "diff", expected, "--", ".", ":!tests/src"))
                .isEmpty();
        assertThat(tree.value(APPLICATION, "repoURL")).isEqualTo(nextUrl);
        assertThat(tree.value(MINIKUBE, "newName")).isEqualTo(nextImage);
    }

    @Test
    void readsFilesOfAnyName() throws Exception {
        tree.succeed("bash", "-c", """
                for file in $'\\303\\274ber' -rf 'a b' $'a\\nb' ' ' ':(top)x' '"' '*'; do
                  mkdir -p "./$file"
                  echo "$0 and $1" >"./$file/$file"
                done
                """, oldPage, oldImage);
        tree.commit();

        run(URL, null);

        assertThat(namesOf(oldPage)).isEmpty();
        assertThat(namesOf(oldImage)).isEmpty();
    }

    /** An overlay that people or tools have edited gets the new image, without a release. */
    @ParameterizedTest
    @MethodSource("usercounter.scripts.Images#all")
    void doesNotKeepReleasesOfTheOldImage(Images images) throws Exception {
        images.writeTo(tree, oldImage);
        tree.commit();

        run(URL, null);

        assertThat(Images.render(tree)).containsExactly(IMAGE + ":dev", images.redis());
        assertThat(tree.read(Images.KUSTOMIZATION)).doesNotContain("sha256:", "1.0.0", oldImage);
    }

    @Test
    void keepsReleasesOfAnotherImage() throws Exception {
        Images.canonical().writeTo(tree, "registry.example/other");
        tree.commit();

        run(URL, null);

        assertThat(Images.render(tree)).contains("registry.example/other:1.0.0@" + Images.DIGEST);
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
        var text = Stream.of(
                        "%1$s-docs",
                        "%1$s_2", "%1$s.2", "%1$s.github.io", "%2$s-docs:dev", "%2$s2", "%2$s/a", "my.%2$s", "a/%2$s")
                .map(name -> name.formatted(oldPage, oldImage))
                .collect(Collectors.joining(" ", "", "\n"));
        Files.writeString(tree.root().resolve("others.txt"), text);
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
                "git@github.com",
                "git@github.com:",
                "ssh://github.com",
                "https://github.com",
                "https://github.com/somebody/a fork",
                "https://github.com/somebody/fork?ref=main",
                "https://github.com/somebody/fork,s",
                "https://github.com/somebody/fork\n",
            })
    void refusesWhatIsNoUrl(String url) throws Exception {
        assertThat(tree.refuse(FORK, url)).contains("is not the URL of a repository: give one such as");
    }

    @Test
    void refusesAPassword() throws Exception {
        assertThat(tree.refuse(FORK, "https://user:secret@github.com/somebody/fork"))
                .contains("the URL contains a user or a password")
                .doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "fork", "ghcr.io/Somebody/fork", "ghcr.io/somebody/fork:1.0.0", "ghcr.io/a/b@sha256:01", "/a"
            })
    void refusesWhatIsNoImage(String image) throws Exception {
        assertThat(tree.refuse(FORK, URL, image)).contains("is not the name of an image: give one such as");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://github.com/somebody", "https://github.com/a/b/c", "https://gitlab.com/a/b.git"})
    void refusesToGuessAnImage(String url) throws Exception {
        assertThat(tree.refuse(FORK, url)).contains("not for '" + url + "': add it as second argument");
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

    @Test
    void refusesATreeWithoutAUrl() throws Exception {
        tree.replace(APPLICATION, "repoURL: ", "other: ");
        tree.commit();

        assertThat(tree.refuse(FORK, URL)).contains(APPLICATION + " has no repoURL");
    }

    @Test
    void refusesATreeWithoutAnImage() throws Exception {
        tree.replace(MINIKUBE, "  newName: " + oldImage + "\n", "");
        tree.commit();

        assertThat(tree.refuse(FORK, URL)).contains(MINIKUBE + " has no newName");
    }

    @Test
    void takesItsChangesBackWhenAFileCannotBeWritten() throws Exception {
        tree.fake("kustomize", """
                #!/bin/sh
                echo "$@" >>kustomization.yaml
                echo kustomize: no space left on device >&2
                exit 1
                """);

        assertThat(tree.refuse(WorkingTree.withFakes(FORK, URL)))
                .contains("no space left")
                .contains("nothing was changed");
    }

    private String run(String url, String image) throws IOException, InterruptedException {
        return image == null ? tree.succeed(FORK, url) : tree.succeed(FORK, url, image);
    }

    /** The names of the files that contain a text. */
    private String namesOf(String text) throws IOException, InterruptedException {
        return tree.succeed("bash", "-c", "git grep -ilF -e \"$0\" || test $? = 1", text);
    }
}
