package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.dialect.Dialect;
import com.networknt.schema.dialect.Dialects;
import com.networknt.schema.keyword.NonValidationKeyword;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * openapi.yaml: the tests compare each answer of the service with it.
 *
 * @see <a href="https://spec.openapis.org/oas/v3.1.0.html">OpenAPI 3.1</a>
 */
public final class OpenApiDocument {

    private static final JsonNode DOCUMENT = read("/openapi.yaml");

    /** The contracts: the service's, and that of the resources that the tests add. */
    private static final List<JsonNode> DOCUMENTS = List.of(DOCUMENT, read("/another.yaml"));

    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDialect(Dialect.builder(Dialects.getOpenApi31())
            .keyword(new NonValidationKeyword("components"))
            .build());

    private OpenApiDocument() {}

    private static JsonNode read(String file) {
        return new YAMLMapper().readTree(OpenApiDocument.class.getResourceAsStream(file));
    }

    /**
     * @param pointer from the root of the document, for example {@code /info/title}
     * @return the text there
     * @see <a href="https://www.rfc-editor.org/rfc/rfc6901">JSON Pointer</a>
     */
    public static String text(String pointer) {
        return DOCUMENT.at(pointer).stringValue();
    }

    /** A method of a path, and the statuses of its answers. */
    public record Operation(String method, String path, List<Integer> statuses) {}

    public static List<Operation> operations() {
        return DOCUMENT.get("paths").properties().stream()
                .flatMap(path -> path.getValue().properties().stream()
                        .filter(operation -> operation.getValue().has("responses"))
                        .map(operation -> new Operation(
                                operation.getKey().toUpperCase(Locale.ROOT),
                                path.getKey(),
                                operation.getValue().get("responses").propertyNames().stream()
                                        .map(Integer::valueOf)
                                        .toList())))
                .toList();
    }

    /** Status, headers, media type and body are as described. Answers that are of no operation are not compared. */
    static HttpResponse<String> assertDescribes(HttpResponse<String> answer) {
        String method = answer.request().method().toLowerCase(Locale.ROOT);
        String path = answer.request().uri().getRawPath();
        for (JsonNode document : DOCUMENTS) {
            for (Map.Entry<String, JsonNode> entry : document.get("paths").properties()) {
                JsonNode operation = entry.getValue().get(method);
                if (operation != null && path.matches(entry.getKey().replaceAll("\\{\\w+}", "[^/]+"))) {
                    assertDescribes(document, operation, answer);
                }
            }
        }
        return answer;
    }

    private static void assertDescribes(JsonNode document, JsonNode operation, HttpResponse<String> answer) {
        String name = "%s %d".formatted(operation.get("operationId").stringValue(), answer.statusCode());
        JsonNode response = operation.get("responses").get(Integer.toString(answer.statusCode()));
        assertThat(response).as(name).isNotNull();
        JsonNode description = response.has("$ref")
                ? document.at(response.get("$ref").stringValue().substring(1))
                : response;

        assertThat(answer.headers().allValues("Cache-Control")).as(name).containsExactly("no-store");
        assertThat(answer.headers().allValues("Vary")).as(name).containsExactly("Accept");
        assertThat(description.path("headers").propertyNames())
                .as(name)
                .allMatch(answer.headers().map()::containsKey);
        if (!description.has("content")) { // for example, 204 and 302
            assertThat(answer.body()).as(name).isEmpty();
            return;
        }
        String type = answer.headers().firstValue("Content-Type").orElse("").replaceAll(";.*", "");
        JsonNode content = description.get("content").get(type);
        assertThat(content).as("%s %s", name, type).isNotNull();
        JsonNode body = type.endsWith("json")
                ? new JsonMapper().readTree(answer.body())
                : JsonNodeFactory.instance.stringNode(answer.body());
        assertThat(SCHEMAS.getSchema(withComponents(document, content.get("schema")))
                        .validate(body))
                .as("%s %s", name, body)
                .isEmpty();
    }

    /** The schema, with what it may refer to. */
    private static JsonNode withComponents(JsonNode document, JsonNode schema) {
        ObjectNode whole = JsonNodeFactory.instance.objectNode();
        whole.putArray("allOf").add(schema);
        whole.set("components", document.get("components"));
        return whole;
    }
}
