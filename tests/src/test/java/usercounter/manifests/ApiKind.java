package usercounter.manifests;

import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A kind that is built into Kubernetes. The client has a class for every group and version of the API, with a method
 * that creates an object of each of its kinds: that method knows the kind's model, and whether it is namespaced.
 */
record ApiKind(Class<? extends KubernetesObject> model, boolean namespaced) {

    private static final String APIS = "io.kubernetes.client.openapi.apis.";

    static Optional<ApiKind> of(JsonObject object) {
        return of(object.get("apiVersion").getAsString(), object.get("kind").getAsString());
    }

    static Optional<ApiKind> of(String apiVersion, String kind) {
        return api(apiVersion)
                .flatMap(api -> Stream.of(api.getMethods())
                        .filter(method -> method.getName().matches("create(Namespaced)?" + kind))
                        .map(method -> new ApiKind(
                                method.getParameterTypes()[method.getParameterCount() - 1].asSubclass(
                                        KubernetesObject.class),
                                method.getName().startsWith("createNamespaced")))
                        .findFirst());
    }

    /** {@code networking.k8s.io/v1} has its methods in {@code NetworkingV1Api}, {@code v1} in {@code CoreV1Api}. */
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
}
