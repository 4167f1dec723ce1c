package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import jakarta.json.Json;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * One fault and its complaint: a document in {@code src/test/resources/faults/<title of the rule>.yaml}.
 *
 * @param rule the title of the rule
 * @param complaint the line that the rule adds
 * @param also complaints of other rules about the same objects, as whole lines
 * @param target the object to patch, as Kind/name
 * @param patch a JSON Patch (RFC 6902)
 * @param objects the objects to add to the manifests
 */
record Fault(
        String rule, String complaint, List<String> also, String target, JsonArray patch, List<JsonObject> objects) {

    private static final Path FOLDER = Path.of("src/test/resources/faults");

    static List<Fault> all() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(Files::isRegularFile)
                    .sorted()
                    .flatMap(Fault::of)
                    .toList();
        }
    }

    private static Stream<Fault> of(Path file) {
        try {
            var rule = file.getFileName().toString().replace(".yaml", "");
            return Manifests.documents(Files.readString(file)).stream().map(document -> of(rule, document));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Fault of(String rule, JsonObject document) {
        document.addProperty("rule", rule);
        return new Gson().fromJson(document, Fault.class);
    }

    /** The manifests with this fault. */
    Manifests in(Manifests manifests) {
        var faulty = new ArrayList<JsonObject>();
        var targets = 0;
        for (var object : manifests.json()) {
            var isTarget = name(object).equals(target);
            faulty.add(isTarget ? patched(object) : object);
            targets += isTarget ? 1 : 0;
        }
        if (target != null && targets != 1) {
            throw new IllegalStateException(
                    "faults/%s.yaml: target %s matches %d objects: it must match one".formatted(rule, target, targets));
        }
        faulty.addAll(Manifests.orEmpty(objects));
        return manifests.with(faulty);
    }

    /** All expected complaints. */
    List<String> complaints() {
        return Manifests.concat(List.of("%s [%s]".formatted(complaint, rule)), also);
    }

    private JsonObject patched(JsonObject object) {
        try (var operations = Json.createReader(new StringReader(patch.toString()));
                var original = Json.createReader(new StringReader(object.toString()))) {
            var patched = Json.createPatch(operations.readArray()).apply(original.readObject());
            return JsonParser.parseString(patched.toString()).getAsJsonObject();
        }
    }

    private static String name(JsonObject object) {
        JsonElement name = object.getAsJsonObject("metadata").get("name");
        return object.get("kind").getAsString() + "/" + name.getAsString();
    }

    /** The name in the test report. */
    @Override
    public String toString() {
        return rule + ": " + complaint;
    }
}
