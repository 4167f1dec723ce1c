package usercounter.manifests;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;

/** Objects must fit the schema of the API server of Kubernetes 1.34. */
enum SchemaRule implements Rule {
    /** The kind is built in, or a custom resource with a definition. */
    KIND {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.json()) {
                if (manifests.kind(object).isEmpty()) {
                    complaints.add(
                            object,
                            "is of no kind that Kubernetes 1.34 has: fix apiVersion %s, or add the CustomResourceDefinition to tests/%s",
                            object.get("apiVersion").getAsString(),
                            Manifests.DEFINITIONS);
                }
            }
        }
    },

    /** No unknown fields, no missing required fields, no wrong types or values, at any depth. */
    SCHEMA {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.json()) {
                manifests.kind(object).ifPresent(kind -> check(object, kind.schema(), complaints));
            }
        }

        private void check(JsonObject object, Schema schema, Complaints complaints) {
            // Without serializeNulls: for the API server, a field with null is a missing field.
            for (var error : schema.validate(new Gson().toJson(object), InputFormat.JSON)) {
                complaints.add(object, "%s", text(error));
            }
        }

        private static String text(Error error) {
            var path = error.getInstanceLocation().toString().replaceFirst("^\\$\\.?", "");
            var value = error.getInstanceNode().isContainer() ? "" : " is " + error.getInstanceNode();
            return "%s%s: %s".formatted(path, value, error.getMessage());
        }
    };
}
