package usercounter.cluster;

import jakarta.json.Json;
import jakarta.json.JsonException;
import jakarta.json.JsonObject;
import jakarta.json.JsonString;
import jakarta.json.JsonValue;
import java.io.StringReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * An Application of Argo CD, by what its status says.
 *
 * @see <a href="https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml">Application</a>
 */
record Application(String name) {

    static final String NAMESPACE = "argocd";

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** Runs kubectl in Argo CD's namespace; it has to succeed. */
    static String kubectl(String... arguments) {
        List<String> command = new ArrayList<>(List.of("kubectl", "--namespace", NAMESPACE));
        command.addAll(Arrays.asList(arguments));
        return Shell.run(command.toArray(String[]::new));
    }

    boolean exists() {
        return !kubectl("get", "application", name, "--ignore-not-found").isEmpty();
    }

    /** Takes the finalizer away, so that deleting the Application deletes nothing else. */
    void removeFinalizers() {
        kubectl("patch", "application", name, "--type=merge", "-p{\"metadata\":{\"finalizers\":null}}");
    }

    /** The value at a JSON Pointer into the object, empty if there is none. */
    String get(String pointer) {
        return text(object(), pointer);
    }

    /**
     * Is a revision what runs, all of it and in good health, with nothing left to do? A new Application that finds
     * everything in place has no operation.
     */
    boolean runs(String revision) {
        JsonObject application = object();
        return text(application, "/status/sync/revision").equals(revision)
                && text(application, "/status/sync/status").equals("Synced")
                && text(application, "/status/health/status").equals("Healthy")
                && List.of("", "Succeeded").contains(text(application, "/status/operationState/phase"));
    }

    void awaitRuns(String revision) {
        await("revision " + revision + " running", () -> runs(revision));
    }

    /** What the status says is wrong: its conditions, its last operation, and its health. */
    String trouble() {
        JsonObject application = object();
        return String.join(
                "\n",
                text(application, "/status/conditions"),
                text(application, "/status/operationState/message"),
                text(application, "/status/operationState/syncResult/resources"),
                text(application, "/status/health/status"));
    }

    /** Renders Git anew and compares it with the cluster, as Argo CD does by itself every few minutes. */
    void reconcile() {
        kubectl("annotate", "application", name, "--overwrite", "argocd.argoproj.io/refresh=hard");
        await(
                "a reconciliation",
                () -> get("/metadata/annotations/argocd.argoproj.io~1refresh").isEmpty());
    }

    void await(String what, BooleanSupplier condition) {
        try {
            Cluster.await(what, PATIENCE, condition);
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + ", but\n" + object().get("status"), e);
        }
    }

    private JsonObject object() {
        return Json.createReader(new StringReader(kubectl("get", "application", name, "--output=json")))
                .readObject();
    }

    /** Empty for what is not there, or not yet. */
    private static String text(JsonObject object, String pointer) {
        try {
            JsonValue value = object.getValue(pointer);
            return value instanceof JsonString string ? string.getString() : value.toString();
        } catch (JsonException e) {
            return "";
        }
    }
}
