package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The objects in {@code argocd/} for an environment match the environment's overlay. */
class ArgoCdTest extends OverlaysInACopy {

    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void anEnvironmentsNameIsThatOfItsProjectAndApplication(String environment) throws Exception {
        var installed = installed(environment);
        var application = find(installed, "Application");
        var project = find(installed, "AppProject");

        assertThat(name(application)).isEqualTo("user-counter-" + environment).isEqualTo(name(project));
        var spec = application.getAsJsonObject("spec");
        assertThat(spec.get("project").getAsString()).isEqualTo(name(project));
        assertThat(project.getAsJsonObject("spec").getAsJsonArray("destinations"))
                .containsExactly(spec.getAsJsonObject("destination"));
    }

    /** Replace deletes objects and creates them again, the claims too. */
    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void noSyncReplacesObjects(String environment) throws Exception {
        assertThat(find(installed(environment), "Application")
                        .getAsJsonObject("spec")
                        .getAsJsonObject("syncPolicy")
                        .getAsJsonArray("syncOptions"))
                .extracting(JsonElement::getAsString)
                .noneMatch(option -> option.matches("(Replace|Force)=.*"));
    }

    /** So the Application needs no rights outside its namespace. The person who installs it creates the namespace. */
    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void theApplicationLeavesOutTheNamespaceThatIsInstalledWithIt(String environment) throws Exception {
        var installed = installed(environment);
        var application = find(installed, "Application").getAsJsonObject("spec");
        var source = application.getAsJsonObject("source");
        var overlay = Manifests.parse(Kustomize.KUBECTL.build(source.get("path").getAsString()))
                .json();

        assertThat(without(deployed(source), "ConfigMap"))
                .isEqualTo(without(without(overlay, "Namespace"), "ConfigMap"));
        assertThat(find(installed, "Namespace")).isEqualTo(find(overlay, "Namespace"));
        assertThat(application.getAsJsonObject("destination").get("namespace").getAsString())
                .isEqualTo(name(find(installed, "Namespace")));
    }

    @Test
    void theNamespaceIsLeftOutWhateverItsNameAndLabels() throws Exception {
        var overlay = new Combination("minikube", List.of())
                .write(
                        repository,
                        "namespace: team",
                        "labels: [{pairs: {app.kubernetes.io/part-of: shop}, includeSelectors: true}]");
        var source = find(installed("minikube"), "Application")
                .getAsJsonObject("spec")
                .getAsJsonObject("source");
        source.addProperty("path", repository.relativize(overlay).toString());

        assertThat(deployed(source)).isNotEmpty().noneMatch(object -> isOf(object, "Namespace"));
    }

    /** Otherwise a sync waits until every object is healthy, and holds up the pushes after it. See ONE_WAVE, too. */
    @ParameterizedTest
    @ValueSource(strings = {"minikube", "gke"})
    void noSyncWaitsForPodsSinceOldConfigMapsStay(String environment) throws Exception {
        var application = find(installed(environment), "Application").getAsJsonObject("spec");

        assertThat(application
                        .getAsJsonObject("syncPolicy")
                        .getAsJsonArray("syncOptions")
                        .toString())
                .doesNotContain("PruneLast");
        assertThat(deployed(application.getAsJsonObject("source")))
                .filteredOn(object -> isOf(object, "ConfigMap"))
                .isNotEmpty()
                .allSatisfy(
                        object -> assertThat(object.getAsJsonObject("metadata").get("annotations"))
                                .hasToString("{\"argocd.argoproj.io/compare-options\":\"IgnoreExtraneous\","
                                        + "\"argocd.argoproj.io/sync-options\":\"Prune=false\"}"));
    }

    private static List<JsonObject> installed(String environment) throws Exception {
        return Manifests.documents(Kustomize.KUBECTL.build("argocd/" + environment));
    }

    /** The rendering by Argo CD. */
    private static List<JsonObject> deployed(JsonObject source) throws Exception {
        var folder = Files.createDirectories(
                repository.resolve("rendered").resolve(source.get("path").getAsString()));
        Files.writeString(folder.resolve("kustomization.yaml"), """
            {"resources": ["../../../%s"], "patches": %s}
            """.formatted(
                        source.get("path").getAsString(),
                        source.getAsJsonObject("kustomize").get("patches")));
        return Manifests.documents(Kustomize.KUBECTL.build(folder));
    }

    private static List<JsonObject> without(List<JsonObject> objects, String kind) {
        return objects.stream().filter(object -> !isOf(object, kind)).toList();
    }

    private static JsonObject find(List<JsonObject> objects, String kind) {
        var found = objects.stream().filter(object -> isOf(object, kind)).toList();
        assertThat(found).as(kind).hasSize(1);
        return found.get(0);
    }

    private static boolean isOf(JsonObject object, String kind) {
        return object.get("kind").getAsString().equals(kind);
    }

    private static String name(JsonObject object) {
        return object.getAsJsonObject("metadata").get("name").getAsString();
    }
}
