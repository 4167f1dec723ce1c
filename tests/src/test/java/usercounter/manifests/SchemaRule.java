package usercounter.manifests;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.kubernetes.client.openapi.JSON;
import java.util.Map;
import java.util.Set;

/** What the API server of Kubernetes 1.34 would refuse by the schema alone. */
enum SchemaRule implements Rule {
    /** A bare cluster knows no custom resources. */
    BUILT_IN_KIND {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.json()) {
                if (ApiKind.of(object).isEmpty()) {
                    complaints.add(
                            object,
                            "is of no kind that Kubernetes 1.34 has: mend apiVersion %s, or keep custom resources out of the overlays",
                            object.get("apiVersion").getAsString());
                }
            }
        }
    },

    /** No unknown fields, nothing missing that is required, no wrong types, at any depth. */
    SCHEMA {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.json()) {
                ApiKind.of(object).ifPresent(kind -> check(object, kind, complaints));
            }
        }

        private void check(JsonObject object, ApiKind kind, Complaints complaints) {
            try {
                var typed = JSON.getGson().fromJson(object, kind.model());
                sameTypes(object, "", object, JSON.getGson().toJsonTree(typed), complaints);
            } catch (RuntimeException e) {
                complaints.add(object, "%s", readable(e.getMessage()));
            }
        }

        /** Some of the client's exceptions name their own classes, or nothing that one could mend. */
        private static String readable(String message) {
            return message.replaceFirst("(?s)\\. JSON: .*", ": mend its name or where it stands")
                    .replaceFirst(
                            "^.*NumberFormatException: For input string: (.*)", "$1 stands where a number belongs")
                    .replace(
                            "Could not parse suffix",
                            "a quantity has a unit that is none: use one such as m, Mi or Gi");
        }

        /**
         * Gson takes "2" for a number, 2 for a string and so on, the API server does not. What Gson read, it writes as
         * the type that the schema has for it.
         */
        private void sameTypes(
                JsonObject object, String path, JsonElement actual, JsonElement typed, Complaints complaints) {
            if (actual instanceof JsonObject fields && typed instanceof JsonObject typedFields) {
                for (var field : fields.entrySet()) {
                    sameTypes(
                            object,
                            path + "." + field.getKey(),
                            field.getValue(),
                            typedFields.get(field.getKey()),
                            complaints);
                }
            } else if (actual instanceof JsonArray items && typed instanceof JsonArray typedItems) {
                for (int i = 0; i < items.size(); i++) {
                    sameTypes(object, path + "[" + i + "]", items.get(i), typedItems.get(i), complaints);
                }
            } else if (!actual.isJsonNull() && !type(actual).equals(type(typed))) {
                complaints.add(object, "%s is %s: make it a %s", path.substring(1), actual, type(typed));
            }
        }

        private static String type(JsonElement value) {
            if (value instanceof JsonPrimitive primitive) {
                return primitive.isNumber() ? "number" : primitive.isBoolean() ? "boolean" : "string";
            }
            return value instanceof JsonArray ? "list" : "map";
        }
    },

    /** The client's models have strings where the API has enumerations. */
    ENUMERATION {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.json().forEach(object -> search(object, object, complaints));
        }

        private void search(JsonObject object, JsonElement value, Complaints complaints) {
            if (value instanceof JsonArray items) {
                items.forEach(item -> search(object, item, complaints));
            } else if (value instanceof JsonObject fields) {
                for (var field : fields.entrySet()) {
                    search(object, field.getValue(), complaints);
                    check(object, field.getKey(), field.getValue(), complaints);
                }
            }
        }

        private void check(JsonObject object, String field, JsonElement value, Complaints complaints) {
            if (value instanceof JsonArray items) {
                items.forEach(item -> check(object, field, item, complaints));
            } else if (value instanceof JsonPrimitive primitive
                    && VALUES.containsKey(field)
                    && !VALUES.get(field).contains(primitive.getAsString())) {
                complaints.add(
                        object,
                        "%s is %s: make it one of %s",
                        field,
                        value,
                        VALUES.get(field).stream().sorted().toList());
            }
        }
    };

    /** Fields that have one meaning wherever they stand. */
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
}
