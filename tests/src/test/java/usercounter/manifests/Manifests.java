package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1LabelSelectorRequirement;
import io.kubernetes.client.openapi.models.V1Namespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** The rendered objects of an overlay, as JSON and as models of the Kubernetes client. */
final class Manifests {

    /** The folder with the definitions of custom resources. */
    static final Path DEFINITIONS = Path.of("src/test/resources/crds");

    private static final Gson GSON = new Gson();

    private final List<JsonObject> json;
    private final List<JsonObject> definitions;
    private List<KubernetesObject> objects;

    /**
     * @param definitions the CustomResourceDefinitions that the cluster has
     */
    Manifests(List<JsonObject> json, List<JsonObject> definitions) {
        this.json = List.copyOf(json);
        this.definitions = List.copyOf(definitions);
    }

    static Manifests parse(String yaml) throws IOException {
        return new Manifests(documents(yaml), definitions());
    }

    /** The CustomResourceDefinitions, whose files may contain other objects, too. */
    private static List<JsonObject> definitions() throws IOException {
        var definitions = new ArrayList<JsonObject>();
        try (Stream<Path> files = Files.list(DEFINITIONS)) {
            for (var file : files.sorted().toList()) {
                definitions.addAll(documents(Files.readString(file)));
            }
        }
        definitions.removeIf(object -> !object.get("kind").getAsString().equals("CustomResourceDefinition"));
        return definitions;
    }

    /** Other objects on the same cluster. */
    Manifests with(List<JsonObject> others) {
        return new Manifests(others, definitions);
    }

    /** The documents of a YAML stream. */
    static List<JsonObject> documents(String yaml) {
        var documents = new ArrayList<JsonObject>();
        for (var document : new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(yaml)) {
            if (document != null) {
                documents.add(GSON.toJsonTree(document).getAsJsonObject());
            }
        }
        return documents;
    }

    List<JsonObject> json() {
        return json;
    }

    /** The kind of an object, if the cluster has it. */
    Optional<ApiKind> kind(JsonObject object) {
        return ApiKind.of(object, definitions);
    }

    /** All objects as models of the client. */
    List<KubernetesObject> objects() {
        if (objects == null) {
            objects = json.stream()
                    .map(object -> kind(object).orElseThrow().read(object))
                    .toList();
        }
        return objects;
    }

    boolean canBeTyped() {
        try {
            objects();
            return true;
        } catch (RuntimeException e) {
            return false;
        }
    }

    <T extends KubernetesObject> List<T> all(Class<T> type) {
        return objects().stream().filter(type::isInstance).map(type::cast).toList();
    }

    <T extends KubernetesObject> Optional<T> find(Class<T> type, String name) {
        return all(type).stream().filter(object -> nameOf(object).equals(name)).findFirst();
    }

    /** The container of the service. */
    V1Container backend() {
        return find(V1Deployment.class, "backend")
                .orElseThrow()
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .get(0);
    }

    /** The namespace of the application, if there is exactly one. */
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

    /** The pod templates that match a selector. A missing selector matches none. */
    List<PodTemplate> selectedBy(V1LabelSelector selector) {
        return podTemplates().stream()
                .filter(template -> matches(selector, template.labels()))
                .toList();
    }

    /** The minimum number of pods of a workload. */
    int replicas(PodTemplate template) {
        return autoscalers().stream()
                .filter(autoscaler -> autoscaler.scales(template.owner()))
                .map(Autoscaler::minReplicas)
                .findFirst()
                .orElse(Objects.requireNonNullElse(template.replicas(), 1));
    }

    List<Autoscaler> autoscalers() {
        return json.stream()
                .filter(object -> object.get("kind").getAsString().equals("HorizontalPodAutoscaler"))
                .map(Autoscaler::of)
                .toList();
    }

    /**
     * A HorizontalPodAutoscaler of any version, and its target.
     *
     * @param minReplicas the minimum number of pods
     */
    record Autoscaler(JsonObject object, String apiVersion, String kind, String name, int minReplicas) {

        private static Autoscaler of(JsonObject object) {
            var spec = object.getAsJsonObject("spec");
            var target = spec.getAsJsonObject("scaleTargetRef");
            return new Autoscaler(
                    object,
                    target.has("apiVersion") ? target.get("apiVersion").getAsString() : "v1",
                    target.get("kind").getAsString(),
                    target.get("name").getAsString(),
                    spec.has("minReplicas") ? spec.get("minReplicas").getAsInt() : 1);
        }

        boolean scales(KubernetesObject workload) {
            return workload.getApiVersion().equals(apiVersion)
                    && workload.getKind().equals(kind)
                    && nameOf(workload).equals(name);
        }
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
            default ->
                throw new IllegalArgumentException("Operator '%s' is not one of In, NotIn, Exists, DoesNotExist"
                        .formatted(requirement.getOperator()));
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
