package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonObject;
import com.networknt.schema.Schema;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.util.generic.dynamic.DynamicKubernetesObject;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A kind of object: built into Kubernetes, or defined by a CustomResourceDefinition.
 *
 * @param model the class of the Kubernetes client for this kind
 * @param schema the schema of the API server
 */
record ApiKind(Class<? extends KubernetesObject> model, boolean namespaced, Schema schema) {

    private static final String APIS = "io.kubernetes.client.openapi.apis.";

    /** The client's Gson, except that an invalid quantity becomes null. The schema rule has already reported it. */
    private static final Gson GSON = lenient(JSON.getGson().newBuilder());

    private static Gson lenient(GsonBuilder builder) {
        JsonDeserializer<Quantity> quantity = (json, type, context) ->
                KindSchemas.isQuantity(json.getAsString()) ? Quantity.fromString(json.getAsString()) : null;
        return builder.registerTypeAdapter(Quantity.class, quantity).create();
    }

    /**
     * The kind of an object; empty if Kubernetes has no such kind and no definition exists.
     *
     * @param definitions CustomResourceDefinitions
     */
    static Optional<ApiKind> of(JsonObject object, List<JsonObject> definitions) {
        var apiVersion = object.get("apiVersion").getAsString();
        var kind = object.get("kind").getAsString();
        return builtIn(apiVersion, kind)
                .or(() -> definitions.stream()
                        .flatMap(definition -> custom(apiVersion, kind, definition).stream())
                        .findFirst());
    }

    /**
     * The client has a class for every group and version of the API, with a create method for each kind. The signature
     * of this method contains the kind's model, and its name tells whether the kind is namespaced.
     */
    private static Optional<ApiKind> builtIn(String apiVersion, String kind) {
        return api(apiVersion)
                .flatMap(api -> Stream.of(api.getMethods())
                        .filter(method -> method.getName().matches("create(Namespaced)?" + kind))
                        .findFirst())
                .map(method -> {
                    var model = method.getParameterTypes()[method.getParameterCount() - 1].asSubclass(
                            KubernetesObject.class);
                    return new ApiKind(model, method.getName().startsWith("createNamespaced"), KindSchemas.of(model));
                });
    }

    /** The class for {@code networking.k8s.io/v1} is {@code NetworkingV1Api}, that for {@code v1} {@code CoreV1Api}. */
    private static Optional<Class<?>> api(String apiVersion) {
        var groupAndVersion = apiVersion.contains("/") ? apiVersion : "core/" + apiVersion;
        var name = new StringBuilder(APIS);
        for (var word : groupAndVersion.replace(".k8s.io/", "/").split("[./]")) {
            name.append(word.substring(0, 1).toUpperCase(Locale.ROOT)).append(word.substring(1));
        }
        try {
            return Optional.of(Class.forName(name.append("Api").toString()));
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
    }

    private static Optional<ApiKind> custom(String apiVersion, String kind, JsonObject definition) {
        var spec = definition.getAsJsonObject("spec");
        if (!spec.getAsJsonObject("names").get("kind").getAsString().equals(kind)) {
            return Optional.empty();
        }
        for (var element : spec.getAsJsonArray("versions")) {
            var version = element.getAsJsonObject();
            if (apiVersion.equals(
                    spec.get("group").getAsString() + "/" + version.get("name").getAsString())) {
                var schema = version.getAsJsonObject("schema").getAsJsonObject("openAPIV3Schema");
                return Optional.of(new ApiKind(
                        DynamicKubernetesObject.class,
                        spec.get("scope").getAsString().equals("Namespaced"),
                        KindSchemas.of(schema)));
            }
        }
        return Optional.empty();
    }

    /** Reads an object of this kind, even one that the API server would reject, if it fits into the model. */
    KubernetesObject read(JsonObject object) {
        return model == DynamicKubernetesObject.class
                ? new DynamicKubernetesObject(object)
                : GSON.fromJson(object, model);
    }
}
