package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import usercounter.Repository;

/** The names, labels and namespaces of the objects. */
enum ObjectRule implements Rule {
    /** If two objects have the same kind, namespace and name, the second overwrites the first. */
    UNIQUE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var seen = new HashSet<List<String>>();
            for (var object : manifests.objects()) {
                var metadata = object.getMetadata();
                var identity = Stream.of(
                                group(object.getApiVersion()),
                                object.getKind(),
                                metadata.getNamespace(),
                                metadata.getName())
                        .map(String::valueOf)
                        .toList();
                if (!seen.add(identity)) {
                    complaints.add(object, "is there twice: remove or rename one of the two");
                }
            }
        }
    },

    /** All objects are in the namespace of the application, which the other rules assume. */
    NAMESPACE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var namespace = manifests.namespace();
            for (var object : manifests.json()) {
                var field = object.getAsJsonObject("metadata").get("namespace");
                var actual = field == null ? null : field.getAsString();
                if (manifests.kind(object).orElseThrow().namespaced()
                        && !namespace.equals(Optional.ofNullable(actual))) {
                    complaints.add(
                            object,
                            "is in namespace %s, not in the application's namespace: set 'namespace' in the kustomization",
                            actual);
                }
            }
        }
    },

    /** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
    RECOMMENDED_LABELS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                for (var label :
                        isOfNoComponent(manifests, object) ? List.of(PART_OF) : List.of(NAME, COMPONENT, PART_OF)) {
                    if (!orEmpty(object.getMetadata().getLabels()).containsKey(label)) {
                        complaints.add(object, "has no label %s: add it to 'labels' in the kustomization", label);
                    }
                }
            }
            for (var template : manifests.podTemplates()) {
                for (var label : List.of(NAME, COMPONENT, PART_OF)) {
                    if (!template.labels().containsKey(label)) {
                        complaints.add(
                                template,
                                "gives its pods no label %s: set includeTemplates of 'labels' in the kustomization",
                                label);
                    }
                }
            }
        }

        /** The namespace, and objects for the pods of several components. */
        private static boolean isOfNoComponent(Manifests manifests, KubernetesObject object) {
            return object instanceof V1Namespace
                    || object instanceof V1NetworkPolicy policy && NetworkRule.isOfSeveralComponents(manifests, policy);
        }
    },

    /** Argo CD must not delete a claim without confirmation, since it contains the counts. */
    PRUNE_GUARD {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                if (object instanceof V1PersistentVolumeClaim) {
                    check(object, "sync-options", "Prune=false", complaints);
                    check(object, "sync-options", "Delete=confirm", complaints);
                    check(object, "compare-options", "IgnoreExtraneous", complaints);
                }
            }
        }

        private static void check(KubernetesObject object, String options, String option, Complaints complaints) {
            var annotation = "argocd.argoproj.io/" + options;
            var present = orEmpty(object.getMetadata().getAnnotations()).getOrDefault(annotation, "");
            if (!List.of(present.split(",")).contains(option)) {
                complaints.add(object, "holds data: add %s to its annotation %s", option, annotation);
            }
        }
    },

    /** Argo CD applies only the kinds that the AppProject lists. */
    APP_PROJECT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var allowedKinds =
                    project().getAsJsonArray("namespaceResourceWhitelist").asList();
            for (var object : manifests.json()) {
                if (!manifests.kind(object).orElseThrow().namespaced()) {
                    if (!isOwnNamespace(manifests, object)) {
                        complaints.add(
                                object,
                                "is a cluster-wide object, which Argo CD may not deploy: let the person who installs argocd/ create it");
                    }
                    continue;
                }
                var group = group(object.get("apiVersion").getAsString());
                var kind = object.get("kind").getAsString();
                if (allowedKinds.stream()
                        .map(JsonElement::getAsJsonObject)
                        .noneMatch(allowed -> allowed.get("group").getAsString().equals(group)
                                && allowed.get("kind").getAsString().equals(kind))) {
                    complaints.add(
                            object,
                            "is of a kind that Argo CD may not deploy: add kind %s of group '%s' to namespaceResourceWhitelist in argocd/base/appproject.yaml",
                            kind,
                            group);
                }
            }
        }

        /** The Application does not deploy the namespace. */
        private static boolean isOwnNamespace(Manifests manifests, JsonObject object) {
            return object.get("kind").getAsString().equals("Namespace")
                    && manifests.namespace().isPresent();
        }

        private static JsonObject project() {
            try {
                var file = Repository.ROOT.resolve("argocd/base/appproject.yaml");
                return Manifests.documents(Files.readString(file)).get(0).getAsJsonObject("spec");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    },

    /** Otherwise the API server rejects the workload. */
    WORKLOAD_SELECTOR {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (template.selector() != null && !Manifests.matches(template.selector(), template.labels())) {
                    complaints.add(
                            template,
                            "does not select its own pods: make spec.selector part of the labels in spec.template");
                }
            }
        }
    };

    private static final String NAME = "app.kubernetes.io/name";
    private static final String COMPONENT = "app.kubernetes.io/component";
    private static final String PART_OF = "app.kubernetes.io/part-of";

    /** Empty for the core group. */
    private static String group(String apiVersion) {
        return apiVersion.replaceFirst("/?[^/]*$", "");
    }
}
