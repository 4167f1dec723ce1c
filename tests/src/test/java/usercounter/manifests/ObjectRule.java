package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
                            "is in namespace %s, not in the application's namespace: set 'namespace' in the"
                                    + " kustomization",
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
                    check(object, SYNC_OPTIONS, "Prune=false", complaints);
                    check(object, SYNC_OPTIONS, "Delete=confirm", complaints);
                    check(object, "argocd.argoproj.io/compare-options", "IgnoreExtraneous", complaints);
                }
            }
        }

        private static void check(KubernetesObject object, String annotation, String option, Complaints complaints) {
            var present = orEmpty(object.getMetadata().getAnnotations()).getOrDefault(annotation, "");
            if (!List.of(present.split(",")).contains(option)) {
                complaints.add(object, "holds data: add %s to its annotation %s", option, annotation);
            }
        }
    },

    /** In a sync of several steps, Argo CD waits until every object is healthy. Some never are. */
    ONE_WAVE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                orEmpty(object.getMetadata().getAnnotations()).forEach((annotation, value) -> {
                    if (List.of("argocd.argoproj.io/sync-wave", "argocd.argoproj.io/hook", "helm.sh/hook")
                                    .contains(annotation)
                            || annotation.equals("argocd.argoproj.io/sync-options") && value.contains("PruneLast")) {
                        complaints.add(
                                object, "may hold up every later push: remove %s from its annotations", annotation);
                    }
                });
            }
        }
    },

    /** Replace and Force delete an object and create it again: a claim loses the counts, a pod its clients. */
    NO_REPLACE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                var annotations = orEmpty(object.getMetadata().getAnnotations());
                for (var option : annotations.getOrDefault(SYNC_OPTIONS, "").split(",")) {
                    if (option.strip().matches("(?i)(Replace|Force)\\b.*")) {
                        complaints.add(
                                object,
                                "may be deleted by Argo CD: remove %s from its annotation %s",
                                option.strip(),
                                SYNC_OPTIONS);
                    }
                }
            }
        }
    },

    /** With another name, Redis begins with an empty disk. */
    CLAIM_NAME {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var claim : manifests.all(V1PersistentVolumeClaim.class)) {
                check(claim, Manifests.nameOf(claim), complaints);
            }
            for (var template : manifests.podTemplates()) {
                for (var claim : template.claims()) {
                    // Kubernetes adds a number to it.
                    check(
                            template.owner(),
                            Manifests.nameOf(claim) + "-" + Manifests.nameOf(template.owner()),
                            complaints);
                }
            }
        }

        private static void check(KubernetesObject object, String name, Complaints complaints) {
            if (!CLAIMS.contains(name)) {
                complaints.add(
                        object,
                        "has a disk that no release has had, %s, which is empty: keep the name of the claim, or add it to ObjectRule",
                        name);
            }
        }
    },

    /** The claims of a StatefulSet stay when its pods go. */
    CLAIM_RETENTION {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var statefulSet : manifests.all(V1StatefulSet.class)) {
                var policy = statefulSet.getSpec().getPersistentVolumeClaimRetentionPolicy();
                if (policy != null
                        && ("Delete".equals(policy.getWhenDeleted()) || "Delete".equals(policy.getWhenScaled()))) {
                    complaints.add(
                            statefulSet,
                            "deletes its claims with its pods: leave persistentVolumeClaimRetentionPolicy out");
                }
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
                                "is a cluster-wide object, which Argo CD may not deploy: let the person who installs"
                                        + " argocd/ create it");
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
                            "is of a kind that Argo CD may not deploy: add kind %s of group '%s' to"
                                    + " namespaceResourceWhitelist in argocd/base/appproject.yaml",
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
    },

    /** Otherwise two workloads fight for the same pods. */
    SELECTORS_DIFFER {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var other : manifests.selectedBy(template.selector())) {
                    if (other.owner() != template.owner()) {
                        complaints.add(
                                template,
                                "also selects the pods of %s: give each a label of its own",
                                Manifests.nameOf(other.owner()));
                    }
                }
            }
        }
    };

    private static final String SYNC_OPTIONS = "argocd.argoproj.io/sync-options";

    private static final Set<String> CLAIMS = Set.of(
            "redis-data", "redis-backup", "data-redis-cluster-a", "data-redis-cluster-b", "data-redis-cluster-c");

    private static final String NAME = "app.kubernetes.io/name";
    private static final String COMPONENT = "app.kubernetes.io/component";
    private static final String PART_OF = "app.kubernetes.io/part-of";

    /** Empty for the core group. */
    private static String group(String apiVersion) {
        return apiVersion.replaceFirst("/?[^/]*$", "");
    }
}
