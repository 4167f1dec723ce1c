package usercounter.cluster;

import com.google.gson.Gson;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.apis.CustomObjectsApi;
import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.io.StringReader;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * An Application of Argo CD and its status.
 *
 * @see <a href="https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml">Application</a>
 */
record Application(String name) {

    static final String NAMESPACE = "argocd";

    private static final Duration PATIENCE = Duration.ofMinutes(5);
    private static final CustomObjectsApi OBJECTS = new CustomObjectsApi(Cluster.CLIENT);

    /** Runs kubectl in Argo CD's namespace. Fails if kubectl fails. */
    static String kubectl(String... arguments) {
        return Cluster.kubectlIn(NAMESPACE, arguments);
    }

    boolean exists() {
        return !kubectl("get", "application", name, "--ignore-not-found").isEmpty();
    }

    /** Removes the finalizers, so that the deletion of the Application deletes no other objects. */
    void removeFinalizers() {
        kubectl("patch", "application", name, "--type=merge", "-p{\"metadata\":{\"finalizers\":null}}");
    }

    /** The value at a JSON Pointer, empty if there is none. */
    String get(String pointer) {
        return text(object(), pointer);
    }

    /**
     * Whether the Application is Synced to a revision and Healthy, and its last operation has succeeded. A new
     * Application without differences has no operation.
     */
    boolean runs(String revision) {
        JsonObject application = object();
        return text(application, "/status/sync/revision").equals(revision)
                && text(application, "/status/sync/status").equals("Synced")
                && text(application, "/status/health/status").equals("Healthy")
                && List.of("", "Succeeded").contains(text(application, "/status/operationState/phase"));
    }

    void awaitRuns(String revision) {
        await("revision " + revision + " of " + name + " Synced and Healthy", () -> runs(revision));
    }

    /** The problems in the status: conditions, last operation, and health. */
    String trouble() {
        JsonObject application = object();
        return String.join(
                "\n",
                text(application, "/status/conditions"),
                text(application, "/status/operationState/message"),
                text(application, "/status/operationState/syncResult/resources"),
                text(application, "/status/health/status"));
    }

    /** Renders Git again and compares it with the cluster, as Argo CD does every few minutes. */
    void reconcile() {
        kubectl("annotate", "application", name, "--overwrite", "argocd.argoproj.io/refresh=hard");
        await(
                "reconciliation of " + name,
                () -> get("/metadata/annotations/argocd.argoproj.io~1refresh").isEmpty());
    }

    void await(String what, BooleanSupplier condition) {
        try {
            Cluster.await(what, PATIENCE, condition);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "; the status of " + name + ":\n" + object().get("status"), e);
        }
    }

    /** Not by kubectl: while a test waits for a change, that would take a third of the CPU of a small machine. */
    private JsonObject object() {
        try {
            Object object = OBJECTS.getNamespacedCustomObject(
                            "argoproj.io", "v1alpha1", NAMESPACE, "applications", name)
                    .execute();
            return Json.createReader(new StringReader(new Gson().toJson(object)))
                    .readObject();
        } catch (ApiException e) {
            throw new IllegalStateException(e.getResponseBody(), e);
        }
    }

    /** The value at a JSON Pointer, empty if it is missing. */
    private static String text(JsonObject object, String pointer) {
        try {
            JsonValue value = object.getValue(pointer);
            return value instanceof JsonString string ? string.getString() : value.toString();
        } catch (JsonException e) {
            return "";
        }
    }
}
