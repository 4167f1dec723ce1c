package usercounter.cluster;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import usercounter.Repository;

/** The panels and queries of the dashboard for Grafana. */
public final class Dashboard {

    public static final Path FILE = Repository.ROOT.resolve("components/monitoring/dashboard.json");

    private final JsonObject json;

    private Dashboard(JsonObject json) {
        this.json = json;
    }

    public static Dashboard read() throws IOException {
        return new Dashboard(JsonParser.parseString(Files.readString(FILE)).getAsJsonObject());
    }

    /** A query in PromQL, and the title of its panel or annotation. */
    public record Query(String title, String expression) {}

    /** The queries as Grafana sends them for this namespace. */
    public List<Query> queries(String namespace) {
        return queries().stream()
                .map(query -> new Query(
                        query.title(),
                        query.expression().replace("$namespace", namespace).replace("$__rate_interval", "1m")))
                .toList();
    }

    /** The queries with variables. */
    public List<Query> queries() {
        var ofPanels = panels().stream()
                .flatMap(panel -> objects(panel, "targets").map(target -> query(panel.get("title"), target)));
        var ofAnnotations =
                objects(json.getAsJsonObject("annotations"), "list").map(one -> query(one.get("name"), one));
        return Stream.concat(ofPanels, ofAnnotations).toList();
    }

    public List<JsonObject> panels() {
        return objects(json, "panels").toList();
    }

    private static Query query(JsonElement title, JsonObject target) {
        return new Query(title.getAsString(), target.get("expr").getAsString());
    }

    private static Stream<JsonObject> objects(JsonObject parent, String array) {
        return StreamSupport.stream(parent.getAsJsonArray(array).spliterator(), false)
                .map(JsonElement::getAsJsonObject);
    }
}
