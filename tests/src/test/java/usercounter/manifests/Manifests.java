package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1LabelSelectorRequirement;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The objects that an overlay renders, as JSON and as the typed models of the Kubernetes client. */
final class Manifests {

    private static final Gson GSON = new Gson();

    private final List<JsonObject> json;
    private List<KubernetesObject> objects;

    Manifests(List<JsonObject> json) {
        this.json = List.copyOf(json);
    }

    static Manifests parse(String yaml) {
        return new Manifests(documents(yaml));
    }

    /** The documents of a YAML stream. */
    static List<JsonObject> documents(String yaml) {
        var documents = new ArrayList<JsonObject>();
        for (var document : new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(yaml)) {
            documents.add(GSON.toJsonTree(document).getAsJsonObject());
        }
        return documents;
    }

    List<JsonObject> json() {
        return json;
    }

    /** All objects, typed; for these they must fit the schema. */
    List<KubernetesObject> objects() {
        if (objects == null) {
            objects = json.stream().map(Manifests::typed).toList();
        }
        return objects;
    }

    private static KubernetesObject typed(JsonObject object) {
        return JSON.getGson().fromJson(object, ApiKind.of(object).orElseThrow().model());
    }

    <T extends KubernetesObject> List<T> all(Class<T> type) {
        return objects().stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends KubernetesObject> Optional<T> find(Class<T> type, String name) {
        return all(type).stream().filter(object -> nameOf(object).equals(name)).findFirst();
    }

    /** The service's own container. */
    V1Container backend() {
        return find(V1Deployment.class, "backend")
                .orElseThrow()
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .get(0);
    }

    /** The one namespace of the application, if it is one. */
    Optional<String> namespace() {
        var namespaces = all(V1Namespace.class);
        return namespaces.size() == 1 ? Optional.of(nameOf(namespaces.get(0))) : Optional.empty();
    }

    List<PodTemplate> podTemplates() {
        return objects().stream()
                .flatMap(object -> PodTemplate.of(object).stream())
                .toList();
    }

    void forEachContainer(BiConsumer<PodTemplate, V1Container> action) {
        for (var template : podTemplates()) {
            template.containers().forEach(container -> action.accept(template, container));
        }
    }

    void forEachLongRunningContainer(BiConsumer<PodTemplate, V1Container> action) {
        for (var template : podTemplates()) {
            template.longRunningContainers().forEach(container -> action.accept(template, container));
        }
    }

    /** The pod templates with these labels; a selector that is not there selects none. */
    List<PodTemplate> selectedBy(V1LabelSelector selector) {
        return podTemplates().stream()
                .filter(template -> matches(selector, template.labels()))
                .toList();
    }

    /** How many pods a workload has at the least. */
    int replicas(PodTemplate template) {
        return all(V2HorizontalPodAutoscaler.class).stream()
                .map(V2HorizontalPodAutoscaler::getSpec)
                .filter(spec -> spec.getScaleTargetRef()
                                .getKind()
                                .equals(template.owner().getKind())
                        && spec.getScaleTargetRef().getName().equals(nameOf(template.owner())))
                .map(spec -> Objects.requireNonNullElse(spec.getMinReplicas(), 1))
                .findFirst()
                .orElse(template.replicas());
    }

    static String nameOf(KubernetesObject object) {
        return object.getMetadata().getName();
    }

    static boolean matches(V1LabelSelector selector, Map<String, String> labels) {
        return selector != null
                && labels.entrySet()
                        .containsAll(orEmpty(selector.getMatchLabels()).entrySet())
                && orEmpty(selector.getMatchExpressions()).stream()
                        .allMatch(requirement -> matches(requirement, labels.get(requirement.getKey())));
    }

    private static boolean matches(V1LabelSelectorRequirement requirement, String value) {
        return switch (requirement.getOperator()) {
            case "In" -> value != null && requirement.getValues().contains(value);
            case "NotIn" -> value == null || !requirement.getValues().contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            default -> throw new IllegalArgumentException(requirement.getOperator());
        };
    }

    static <T> List<T> orEmpty(List<T> list) {
        return list == null ? List.of() : list;
    }

    static <K, V> Map<K, V> orEmpty(Map<K, V> map) {
        return map == null ? Map.of() : map;
    }

    static <T> List<T> concat(List<T> some, List<T> others) {
        return Stream.concat(orEmpty(some).stream(), orEmpty(others).stream()).toList();
    }
}
