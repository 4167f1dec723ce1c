package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What each object is called, and where it is. */
enum ObjectRule implements Rule {
    /** Of two objects that are the same to the API server, the second would overwrite the first. */
    UNIQUE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var seen = new HashSet<List<String>>();
            for (var object : manifests.objects()) {
                var metadata = object.getMetadata();
                var identity = Stream.of(group(object), object.getKind(), metadata.getNamespace(), metadata.getName())
                        .map(String::valueOf)
                        .toList();
                if (!seen.add(identity)) {
                    complaints.add(object, "is there twice: remove or rename one of the two");
                }
            }
        }

        private static String group(KubernetesObject object) {
            return object.getApiVersion().replaceFirst("/?[^/]*$", "");
        }
    },

    /** All the application is in the namespace that it brings; the other rules rely on it. */
    NAMESPACE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var namespace = manifests.namespace();
            for (var object : manifests.objects()) {
                var actual = object.getMetadata().getNamespace();
                if (isNamespaced(object) && !namespace.equals(Optional.ofNullable(actual))) {
                    complaints.add(
                            object,
                            "is in namespace %s, not in the one that is among these objects: let 'namespace' in the kustomization set it",
                            actual);
                }
            }
        }

        private static boolean isNamespaced(KubernetesObject object) {
            return ApiKind.of(object.getApiVersion(), object.getKind())
                    .orElseThrow()
                    .namespaced();
        }
    },

    /** https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
    RECOMMENDED_LABELS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                for (var label : isOfNoComponent(object) ? List.of(PART_OF) : List.of(NAME, COMPONENT, PART_OF)) {
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

        /** The namespace, and what holds for every pod in it. */
        private static boolean isOfNoComponent(KubernetesObject object) {
            return object instanceof V1Namespace
                    || object instanceof V1NetworkPolicy policy && NetworkRule.selectsEveryPod(policy);
        }
    },

    /** Otherwise the API server refuses the workload. */
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
}
