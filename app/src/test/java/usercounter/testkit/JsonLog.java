package usercounter.testkit;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.StringReader;
import java.util.List;

/** A log with lines of JSON. */
public final class JsonLog {

    private JsonLog() {}

    /** The lines of JSON that contain a text. */
    public static List<JsonObject> lines(String log, String text) {
        return log.lines()
                .filter(line -> line.startsWith("{") && line.contains(text))
                .map(line -> Json.createReader(new StringReader(line)).readObject())
                .toList();
    }
}
