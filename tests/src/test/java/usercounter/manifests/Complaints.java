package usercounter.manifests;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import java.util.List;

/** Collects the violations of a rule: the object, the fault, and after a colon the repair. */
record Complaints(Rule rule, List<String> lines) {

    void add(KubernetesObject about, String text, Object... args) {
        add(about.getKind(), Manifests.nameOf(about), text.formatted(args));
    }

    void add(PodTemplate about, String text, Object... args) {
        add(about.owner(), text, args);
    }

    void add(JsonObject about, String text, Object... args) {
        JsonElement name = about.get("metadata") instanceof JsonObject metadata ? metadata.get("name") : null;
        add(about.get("kind").getAsString(), name == null ? "?" : name.getAsString(), text.formatted(args));
    }

    private void add(String kind, String name, String text) {
        lines.add("%s/%s: %s [%s]".formatted(kind, name, text, rule.title()));
    }
}
