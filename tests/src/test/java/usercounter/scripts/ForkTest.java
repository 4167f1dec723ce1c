package usercounter.scripts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.manifests.Kustomize;

/** {@code scripts/fork} gives the repository another name, URL and image everywhere, or changes nothing. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "mvnw and the commands of these tests need a shell")
class ForkTest {

    private static final String FORK = "scripts/fork";
    private static final String PAGE = "https://github.com/Somebody-Else/A.Fork";
    private static final String URL = PAGE + ".git";
    private static final String IMAGE = "ghcr.io/somebody-else/a.fork";
    private static final String APPLICATION = "argocd/base/application.yaml";
    private static final String MINIKUBE = "overlays/minikube/kustomization.yaml";
    private static final String GKE = "overlays/gke/kustomization.yaml";

    private static WorkingTree tree;
    private static String oldName;
    private static String oldPackage;
    private static String oldPage;
    private static String oldImage;

    @BeforeAll
    static void copy(@TempDir Path folder) throws Exception {
        tree = WorkingTree.withoutMaven(folder);
        oldName = element("artifactId");
        oldPackage = element("groupId");
        oldPage = tree.value(APPLICATION, "repoURL").replaceFirst("\\.git$", "");
        oldImage = tree.value(MINIKUBE, "newName");
    }

    /** The first element of a name in pom.xml. */
    private static String element(String name) throws IOException {
        return tree.read("pom.xml").replaceFirst("(?s).*?<%1$s>(.*?)</%1$s>.*".formatted(name), "$1");
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

    /** In the texts and in the paths. */
    @ParameterizedTest
    @MethodSource("names")
    void leavesNothingOfTheOldName(String name, String packageName) throws Exception {
        rename(name, packageName);

        assertThat(oldSpellings(name, packageName)).isEmpty();
        assertThat(element("artifactId")).isEqualTo(name);
        assertThat(element("groupId")).isEqualTo(packageName);
        assertThat(tree.read("tests/src/test/java/" + packageName.replace('.', '/') + "/scripts/ForkTest.java"))
                .contains("package " + packageName + ".scripts;");
        assertThat(tree.read("docs/runbooks.md"))
                .contains("](#" + name.replace("-", "") + "noredis)")
                .contains("\n## " + alerts(name) + "NoRedis\n");
        assertThat(tree.read("docs/metrics.md")).contains("`" + name.replace('-', '_') + "_ready`");
    }

    static Stream<Arguments> names() throws IOException {
        return Stream.of(
                arguments("t", "com.example.tea_shop.t"),
                arguments("tea-2-go", oldPackage + ".tea"),
                arguments("my-" + oldName, "my" + oldPackage),
                arguments(oldName.replaceFirst(".*-", ""), oldName.replaceFirst(".*-", "")));
    }

    private static String alerts(String name) {
        return Stream.of(name.split("-"))
                .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
                .collect(Collectors.joining());
    }

    /** What is left of the old name, in any case of letters, outside the new one. */
    private static List<String> oldSpellings(String name, String packageName) throws Exception {
        var newNames = Pattern.compile(spellings(name, packageName), Pattern.CASE_INSENSITIVE);
        var oldNames = Pattern.compile(spellings(oldName, oldPackage), Pattern.CASE_INSENSITIVE);
        return tree.succeed("bash", "-c", "git ls-files; git grep -ihE \"$0\" || test $? = 1", oldNames.pattern())
                .lines()
                .filter(line ->
                        oldNames.matcher(newNames.matcher(line).replaceAll("")).find())
                .toList();
    }

    private static String spellings(String name, String packageName) {
        return name.replace("-", "[-_]?") + "|" + packageName.replace(".", "[./]");
    }

    /** The code and the objects have the new names, in the format that the build requires. */
    @Test
    void theForkBuilds() throws Exception {
        assumeARenameIsPossible();
        tree.succeed("git", "checkout", "--quiet", "maven");

        // A package that stands elsewhere in the sorted imports.
        tree.succeed(maven(FORK, "tea-shop", URL, IMAGE, "com.example.tea"));

        assertThat(Kustomize.KUSTOMIZE.build(tree.root().resolve("argocd/gke"))).contains("  name: tea-shop-gke\n");
        tree.succeed(maven(
                "./mvnw",
                "--batch-mode",
                "--quiet",
                "test-compile",
                "spotless:check",
                "surefire:test",
                "-Dsurefire.failIfNoSpecifiedTests=false",
                "-Dtest=MonitoringTest"));
    }

    /** With the options of the JVM that suit short runs. */
    private static String[] maven(String... command) {
        return Stream.concat(
                        Stream.of("env", "MAVEN_OPTS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"), Stream.of(command))
                .toArray(String[]::new);
    }

    @Test
    void removesWhatOnlyTheOriginalNeeds() throws Exception {
        assumeThat(tree.root().resolve("bench")).exists();

        run(URL, null);

        assertThat(tree.succeed("git", "ls-files", "bench", ".ci")).isEqualTo(".ci/durations\n.ci/lint\n.ci/run\n");
        assertThat(tree.succeed("bash", "-c", "git grep -lwE 'bench|test[-_]cluster'")
                        .lines())
                .allMatch(file -> file.equals(FORK) || file.endsWith("Test.java"));
    }

    @Test
    void keepsAFolderOfTheForkWithTheNameOfARemovedOne() throws Exception {
        run(URL, null);
        Files.createDirectory(tree.root().resolve("bench"));
        Files.writeString(tree.root().resolve("bench/README.md"), "[ours](bench/ours)\n");
        tree.commit();

        run(URL, "ghcr.io/a/b");

        assertThat(tree.read("bench/README.md")).isEqualTo("[ours](bench/ours)\n");
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

    /** The old name and package are in the new ones, and the other way round. */
    @Test
    void isTheSameAfterAnotherName() throws Exception {
        rename("my-a-cup", "org.example");
        tree.commit();
        var expected = tree.succeed("git", "rev-parse", "HEAD").strip();

        tree.restart();
        rename("a-cup", "org.example.cup");
        tree.commit();
        rename("my-a-cup", "org.example");
        tree.commit();

        assertThat(tree.succeed("git", "diff", expected, "--", ".", ":!*ForkTest.java"))
                .isEmpty();
        assertThat(rename("my-a-cup", "org.example")).contains("nothing to do");
        assertThat(tree.succeed(FORK, "--present")).isEqualTo("my-a-cup %s %s org.example%n", URL, IMAGE);
    }

    /** The text of such a name is also in other words, for example that of {@code order} in {@code sort order}. */
    @Test
    void refusesToReplaceANameOfOneWord() throws Exception {
        rename("order", "order");
        tree.commit();

        assertThat(tree.refuse(FORK, "tea-shop", URL)).contains("'order' is one word, which other texts contain");
        tree.succeed(FORK, "order", PAGE + "2", IMAGE);
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
                "Orders",
                "shop_orders",
                "shop--orders",
                "orders-",
                "2-orders",
                "orders\n",
                "a-name-with-forty-characters-is-too-long",
            })
    void refusesWhatIsNoName(String name) throws Exception {
        assertThat(tree.refuse(FORK, name, URL)).contains("is not a name: give one such as");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "Orders", "com..orders", "com.2orders", "com.my-orders", "com.new.orders", "java.orders"})
    void refusesWhatIsNoPackage(String packageName) throws Exception {
        assertThat(tree.refuse(FORK, "orders", URL, IMAGE, packageName)).contains("is not the name of a Java package");
    }

    @Test
    void refusesToGuessAPackageThatIsAKeyword() throws Exception {
        assertThat(tree.refuse(FORK, "switch", URL)).contains("'switch' is not the name of a Java package");
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
        assertThat(tree.refuse(FORK, oldName, url)).contains("is not the URL of a repository: give one such as");
    }

    @Test
    void refusesAPassword() throws Exception {
        assertThat(tree.refuse(FORK, oldName, "https://user:secret@github.com/somebody/fork"))
                .contains("the URL contains a user or a password")
                .doesNotContain("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "fork", "ghcr.io/Somebody/fork", "ghcr.io/somebody/fork:1.0.0", "ghcr.io/a/b@sha256:01", "/a"
            })
    void refusesWhatIsNoImage(String image) throws Exception {
        assertThat(tree.refuse(FORK, oldName, URL, image)).contains("is not the name of an image: give one such as");
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://github.com/somebody", "https://github.com/a/b/c", "https://gitlab.com/a/b.git"})
    void refusesToGuessAnImage(String url) throws Exception {
        assertThat(tree.refuse(FORK, oldName, url)).contains("not for '" + url + "': add it as third argument");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "a b c d e"})
    void refusesAnotherNumberOfArguments(String arguments) throws Exception {
        assertThat(tree.refuse("bash", "-c", FORK + " " + arguments)).startsWith("usage: ");
    }

    @Test
    void refusesUncommittedChanges() throws Exception {
        tree.replace("README.md", oldName, "other");

        assertThat(tree.refuse(FORK, oldName, URL)).contains("uncommitted changes");
    }

    @Test
    void refusesATreeWithoutAUrl() throws Exception {
        tree.replace(APPLICATION, "repoURL: ", "other: ");
        tree.commit();

        assertThat(tree.refuse(FORK, oldName, URL)).contains(APPLICATION + " has no repoURL");
    }

    @Test
    void refusesATreeWithoutAnImage() throws Exception {
        tree.replace(MINIKUBE, "  newName: " + oldImage + "\n", "");
        tree.commit();

        assertThat(tree.refuse(FORK, oldName, URL)).contains(MINIKUBE + " has no newName");
    }

    @Test
    void refusesATreeWithoutAName() throws Exception {
        tree.replace("pom.xml", "  <artifactId>" + oldName + "</artifactId>\n", "");
        tree.commit();

        assertThat(tree.refuse(FORK, "tea-shop", URL)).contains("pom.xml has no artifactId");
    }

    @Test
    void refusesTwoFilesThatWouldBecomeOne() throws Exception {
        assumeARenameIsPossible();
        for (var file : List.of(oldName + ".txt", "tea-shop.txt")) {
            Files.writeString(tree.root().resolve(file), file);
        }
        tree.commit();

        assertThat(tree.refuse(FORK, "tea-shop", URL))
                .contains("2 files would become tea-shop.txt: rename one of them first");
    }

    @Test
    void keepsANewFileThatIsInTheWay() throws Exception {
        assumeARenameIsPossible();
        Files.writeString(tree.root().resolve(oldName + ".txt"), "old");
        tree.commit();
        Files.writeString(tree.root().resolve("tea-shop.txt"), "not committed");

        assertThat(tree.refuse(FORK, "tea-shop", URL)).contains("tea-shop.txt", "nothing was changed");
        assertThat(tree.read("tea-shop.txt")).isEqualTo("not committed");
    }

    @Test
    void changesNothingWhenTheCodeCannotBeFormatted() throws Exception {
        Files.writeString(tree.root().resolve("mvnw"), """
                #!/bin/sh
                echo a >>pom.xml
                echo a >new-file
                echo spotless: no network >&2
                exit 1
                """);
        tree.commit();

        assertThat(tree.refuse(FORK, oldName, URL, IMAGE, "com.example." + oldPackage))
                .contains("spotless: no network", "'./mvnw -B -q spotless:apply' failed", "nothing was changed");
    }

    @Test
    void changesNothingWhenAFileCannotBeWritten() throws Exception {
        tree.fake("kustomize", """
                #!/bin/sh
                echo "$@" >>kustomization.yaml
                echo kustomize: no space left on device >&2
                exit 1
                """);

        assertThat(tree.refuse(WorkingTree.withFakes(FORK, oldName, URL)))
                .contains("no space left")
                .contains("nothing was changed");
    }

    private String run(String url, String image) throws IOException, InterruptedException {
        return image == null ? tree.succeed(FORK, oldName, url) : tree.succeed(FORK, oldName, url, image);
    }

    private String rename(String name, String packageName) throws IOException, InterruptedException {
        assumeARenameIsPossible();
        return tree.succeed(FORK, name, URL, IMAGE, packageName);
    }

    private static void assumeARenameIsPossible() {
        assumeThat(oldName).as("the name, which is more than one word").contains("-");
    }

    /** The names of the files that contain a text. */
    private String namesOf(String text) throws IOException, InterruptedException {
        return tree.succeed("bash", "-c", "git grep -ilF -e \"$0\" || test $? = 1", text);
    }
}
