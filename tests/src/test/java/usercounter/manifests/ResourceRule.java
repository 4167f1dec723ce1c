package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.custom.Quantity;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1ResourceRequirements;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Every container has requests and limits. */
enum ResourceRule implements Rule {
    REQUESTS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                for (var resource : List.of("cpu", "memory", "ephemeral-storage")) {
                    if (!requests(container).containsKey(resource)) {
                        complaints.add(
                                template,
                                "container %s requests no %s: add it to resources.requests",
                                container.getName(),
                                resource);
                    }
                }
            });
        }
    },

    /** CPU needs no limit: too little CPU only slows containers down, too little memory or disk ends them. */
    LIMITS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                for (var resource : List.of("memory", "ephemeral-storage")) {
                    if (!limits(container).containsKey(resource)) {
                        complaints.add(
                                template,
                                "container %s has no limit of %s: add it to resources.limits",
                                container.getName(),
                                resource);
                    }
                }
            });
        }
    },

    REQUESTS_WITHIN_LIMITS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                limits(container).forEach((resource, limit) -> {
                    var request = requests(container).getOrDefault(resource, limit);
                    // Null is an invalid quantity, which the schema rule reports.
                    if (request != null && limit != null && request.getNumber().compareTo(limit.getNumber()) > 0) {
                        complaints.add(
                                template,
                                "container %s requests %s of %s and is limited to %s: lower the request or raise the limit",
                                container.getName(),
                                request.toSuffixedString(),
                                resource,
                                limit.toSuffixedString());
                    }
                });
            });
        }
    },

    /** A pod that uses more than it requests is killed when its node has no more. */
    LIMITS_WITHIN_REQUESTS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                for (var resource : List.of("memory", "ephemeral-storage")) {
                    var request = requests(container).get(resource);
                    var limit = limits(container).get(resource);
                    if (request != null && limit != null && limit.getNumber().compareTo(request.getNumber()) > 0) {
                        complaints.add(
                                template,
                                "container %s may use %s of %s and requests only %s: make both the same",
                                container.getName(),
                                limit.toSuffixedString(),
                                resource,
                                request.toSuffixedString());
                    }
                }
            });
        }
    };

    private static Map<String, Quantity> requests(V1Container container) {
        return orEmpty(resources(container).getRequests());
    }

    private static Map<String, Quantity> limits(V1Container container) {
        return orEmpty(resources(container).getLimits());
    }

    private static V1ResourceRequirements resources(V1Container container) {
        return Objects.requireNonNullElseGet(container.getResources(), V1ResourceRequirements::new);
    }
}
