package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.annotations.SerializedName;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.dialect.Dialect;
import com.networknt.schema.dialect.Dialects;
import com.networknt.schema.path.PathType;
import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.custom.Quantity;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Kinds as JSON Schemas. Like kubectl, they reject unknown fields. */
final class KindSchemas {

    private static final Gson GSON = new Gson();

    private static final Map<Class<?>, Schema> BUILT_IN = new ConcurrentHashMap<>();

    /** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
    private static final Pattern QUANTITY =
            Pattern.compile("^[+-]?(\\d+\\.?\\d*|\\.\\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\\d+)?$");

    private static final String PERCENTAGE = "make it a number or a percentage such as 25%";

    /** The schemas for the Java types of the client. */
    private static final Map<Class<?>, Object> TYPES = Map.of(
            Object.class, Map.of(),
            String.class, Map.of("type", "string"),
            byte[].class, Map.of("type", "string"),
            OffsetDateTime.class, Map.of("type", "string"),
            Boolean.class, Map.of("type", "boolean"),
            Integer.class, Map.of("type", "integer"),
            Long.class, Map.of("type", "integer"),
            Double.class, Map.of("type", "number"),
            IntOrString.class, Map.of("type", List.of("integer", "string")),
            Quantity.class,
                    withPattern(QUANTITY.pattern(), "make it a quantity such as 500m, 512Mi or 10Gi", "number"));

    /** Fields with the same meaning everywhere. The client has strings for these enumerations of the API. */
    private static final Map<String, Set<String>> VALUES = Map.ofEntries(
            Map.entry("accessModes", Set.of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")),
            Map.entry("concurrencyPolicy", Set.of("Allow", "Forbid", "Replace")),
            Map.entry("dnsPolicy", Set.of("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")),
            Map.entry("externalTrafficPolicy", Set.of("Cluster", "Local")),
            Map.entry("fsGroupChangePolicy", Set.of("Always", "OnRootMismatch")),
            Map.entry("imagePullPolicy", Set.of("Always", "IfNotPresent", "Never")),
            Map.entry("internalTrafficPolicy", Set.of("Cluster", "Local")),
            Map.entry("ipFamilyPolicy", Set.of("SingleStack", "PreferDualStack", "RequireDualStack")),
            Map.entry("nodeAffinityPolicy", Set.of("Honor", "Ignore")),
            Map.entry("nodeTaintsPolicy", Set.of("Honor", "Ignore")),
            Map.entry("operator", Set.of("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Equal")),
            Map.entry("podManagementPolicy", Set.of("OrderedReady", "Parallel")),
            Map.entry("policyTypes", Set.of("Ingress", "Egress")),
            Map.entry("protocol", Set.of("TCP", "UDP", "SCTP")),
            Map.entry("restartPolicy", Set.of("Always", "OnFailure", "Never")),
            Map.entry("scheme", Set.of("HTTP", "HTTPS")),
            Map.entry("sessionAffinity", Set.of("ClientIP", "None")),
            Map.entry("terminationMessagePolicy", Set.of("File", "FallbackToLogsOnError")),
            Map.entry("unhealthyPodEvictionPolicy", Set.of("AlwaysAllow", "IfHealthyBudget")),
            Map.entry("volumeMode", Set.of("Block", "Filesystem")),
            Map.entry("whenUnsatisfiable", Set.of("DoNotSchedule", "ScheduleAnyway")));

    /** Fields whose strings have a form that the client does not know. */
    private static final Map<String, Map<String, Object>> FORMS = Map.of(
            "cidr", withPattern("^[0-9a-fA-F.:]+/\\d+$", "make it a network such as 10.0.0.0/8"),
            "maxSurge", withPattern("^\\d+%$", PERCENTAGE, "integer"),
            "maxUnavailable", withPattern("^\\d+%$", PERCENTAGE, "integer"),
            "minAvailable", withPattern("^\\d+%$", PERCENTAGE, "integer"));

    private KindSchemas() {}

    /** The schema of a string of this form, or of a value of other types. */
    private static Map<String, Object> withPattern(String pattern, String message, String... otherTypes) {
        return Map.of(
                "type",
                Stream.concat(Stream.of("string"), Stream.of(otherTypes)).toList(),
                "pattern",
                pattern,
                "message",
                Map.of("pattern", message));
    }

    static boolean isQuantity(String value) {
        return QUANTITY.matcher(value).matches();
    }

    /** The schema of a model of the Kubernetes client, which is generated from the API's own schema. */
    static Schema of(Class<?> model) {
        return BUILT_IN.computeIfAbsent(model, it -> {
            var definitions = new JsonObject();
            var schema = schema(it, definitions);
            schema.add("$defs", definitions);
            return compile(schema, Dialects.getDraft202012());
        });
    }

    /** The schema in a CustomResourceDefinition. */
    static Schema of(JsonObject openApiV3Schema) {
        var schema = openApiV3Schema.deepCopy();
        if (schema.get("properties") instanceof JsonObject properties) {
            // Every object has these fields.
            List.of("apiVersion", "kind", "metadata").forEach(field -> properties.add(field, new JsonObject()));
        }
        close(schema);
        return compile(schema, Dialects.getOpenApi30());
    }

    private static Schema compile(JsonObject schema, Dialect dialect) {
        var config = SchemaRegistryConfig.builder()
                .pathType(PathType.LEGACY)
                .errorMessageKeyword("message")
                .build();
        return SchemaRegistry.withDefaultDialect(dialect, builder -> builder.schemaRegistryConfig(config))
                .getSchema(schema.toString());
    }

    private static JsonObject schema(Type type, JsonObject definitions) {
        if (type instanceof ParameterizedType generic) {
            var arguments = generic.getActualTypeArguments();
            var content = schema(arguments[arguments.length - 1], definitions);
            return generic.getRawType() == Map.class
                    ? json(Map.of("type", "object", "additionalProperties", content))
                    : json(Map.of("type", "array", "items", content));
        }
        return TYPES.containsKey(type) ? json(TYPES.get(type)) : reference((Class<?>) type, definitions);
    }

    private static JsonObject reference(Class<?> model, JsonObject definitions) {
        var name = model.getSimpleName();
        if (!definitions.has(name)) {
            var definition = new JsonObject();
            // Before its properties, since some models contain themselves.
            definitions.add(name, definition);
            definition.addProperty("type", "object");
            definition.add("properties", properties(model, definitions));
            definition.add("required", GSON.toJsonTree(requiredFields(model)));
            definition.addProperty("additionalProperties", false);
        }
        return json(Map.of("$ref", "#/$defs/" + name));
    }

    private static JsonObject properties(Class<?> model, JsonObject definitions) {
        var properties = new JsonObject();
        for (var field : model.getDeclaredFields()) {
            var name = field.getAnnotation(SerializedName.class);
            if (name != null) {
                var property = FORMS.containsKey(name.value())
                        ? json(FORMS.get(name.value()))
                        : schema(field.getGenericType(), definitions);
                properties.add(name.value(), property);
                if (VALUES.containsKey(name.value())) {
                    var ofItems = property.get("items") instanceof JsonObject items ? items : property;
                    ofItems.add("enum", sorted(VALUES.get(name.value())));
                }
            }
        }
        return properties;
    }

    private static Collection<?> requiredFields(Class<?> model) {
        try {
            return (Collection<?>) model.getField("openapiRequiredFields").get(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    model + " is not a model of the Kubernetes client: it has no openapiRequiredFields", e);
        }
    }

    /** Forbids unknown properties, unless the schema allows them. */
    private static void close(JsonObject schema) {
        if (schema.get("properties") instanceof JsonObject properties) {
            properties.asMap().values().forEach(property -> close(property.getAsJsonObject()));
            if (!schema.has("additionalProperties")
                    && !schema.has("x-kubernetes-preserve-unknown-fields")
                    && !schema.has("x-kubernetes-embedded-resource")) {
                schema.addProperty("additionalProperties", false);
            }
        }
        for (var nested : List.of("items", "additionalProperties")) {
            if (schema.get(nested) instanceof JsonObject object) {
                close(object);
            }
        }
    }

    private static JsonObject json(Object value) {
        return GSON.toJsonTree(value).getAsJsonObject();
    }

    private static JsonArray sorted(Set<String> values) {
        return GSON.toJsonTree(values.stream().sorted().toList()).getAsJsonArray();
    }
}
