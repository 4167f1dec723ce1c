package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPeer;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPort;
import io.kubernetes.client.openapi.models.V1Service;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/** Services and NetworkPolicies lead to pods and ports that are there. */
enum NetworkRule implements Rule {
    SERVICE_SELECTOR {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var service : manifests.all(V1Service.class)) {
                if (selects(service) && pods(manifests, service).isEmpty()) {
                    complaints.add(
                            service,
                            "selects no pod: make spec.selector %s the labels of a pod template",
                            service.getSpec().getSelector());
                }
            }
        }
    },

    SERVICE_TARGET_PORT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var service : manifests.all(V1Service.class)) {
                if (!selects(service)) {
                    continue;
                }
                for (var port : orEmpty(service.getSpec().getPorts())) {
                    var targetPort =
                            Objects.requireNonNullElseGet(port.getTargetPort(), () -> new IntOrString(port.getPort()));
                    for (var template : pods(manifests, service)) {
                        if (!template.hasPort(targetPort, port.getProtocol())) {
                            complaints.add(
                                    service,
                                    "port %s leads to port %s, which no container of %s has: mend targetPort",
                                    port.getPort(),
                                    targetPort,
                                    Manifests.nameOf(template.owner()));
                        }
                    }
                }
            }
        }
    },

    NETWORK_POLICY_SELECTOR {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var policy : manifests.all(V1NetworkPolicy.class)) {
                if (pods(manifests, policy).isEmpty()) {
                    complaints.add(policy, "selects no pod: make spec.podSelector the labels of a pod template");
                }
            }
        }
    },

    NETWORK_POLICY_PEER {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var policy : manifests.all(V1NetworkPolicy.class)) {
                for (var rule : rules(policy)) {
                    for (var peer : rule.peers()) {
                        if (isInNamespace(peer)
                                && manifests.selectedBy(peer.getPodSelector()).isEmpty()) {
                            complaints.add(
                                    policy,
                                    "%s names a peer that is no pod: make its podSelector %s the labels of a pod template",
                                    rule.direction(),
                                    orEmpty(peer.getPodSelector().getMatchLabels()));
                        }
                    }
                }
            }
        }
    },

    NETWORK_POLICY_PORT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var policy : manifests.all(V1NetworkPolicy.class)) {
                for (var rule : rules(policy)) {
                    var servers = servers(manifests, policy, rule);
                    for (var port : rule.ports()) {
                        if (!servers.isEmpty() && servers.stream().noneMatch(server -> hasPort(server, port))) {
                            complaints.add(
                                    policy,
                                    "%s is open for port %s, which no container behind it has: mend or remove it",
                                    rule.direction(),
                                    port.getPort());
                        }
                    }
                }
            }
        }

        /** The pods that the rule lets somebody connect to, as far as they are the application's own. */
        private static List<PodTemplate> servers(Manifests manifests, V1NetworkPolicy policy, PolicyRule rule) {
            if (rule.direction().equals("Ingress")) {
                return pods(manifests, policy);
            }
            // A peer elsewhere may have any port.
            return rule.peers().stream().allMatch(NetworkRule::isInNamespace)
                    ? rule.peers().stream()
                            .flatMap(peer -> manifests.selectedBy(peer.getPodSelector()).stream())
                            .toList()
                    : List.of();
        }

        private static boolean hasPort(PodTemplate template, V1NetworkPolicyPort port) {
            if (port.getPort() == null) {
                return true;
            }
            if (port.getEndPort() == null) {
                return template.hasPort(port.getPort(), port.getProtocol());
            }
            return IntStream.rangeClosed(port.getPort().getIntValue(), port.getEndPort())
                    .anyMatch(number -> template.hasPort(new IntOrString(number), port.getProtocol()));
        }
    },

    DEFAULT_DENY {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var namespace : manifests.all(V1Namespace.class)) {
                for (var direction : List.of("Ingress", "Egress")) {
                    if (manifests.all(V1NetworkPolicy.class).stream().noneMatch(policy -> denies(policy, direction))) {
                        complaints.add(
                                namespace,
                                "%1$s is not denied by default: add a NetworkPolicy with podSelector {}, policyType %1$s and no rules",
                                direction);
                    }
                }
            }
        }

        private static boolean denies(V1NetworkPolicy policy, String direction) {
            return selectsEveryPod(policy)
                    && orEmpty(policy.getSpec().getPolicyTypes()).contains(direction)
                    && rules(policy).stream().noneMatch(rule -> rule.direction().equals(direction));
        }
    },

    /** Besides the one that denies everything. */
    NETWORK_POLICY_FOR_EVERY_POD {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (manifests.all(V1NetworkPolicy.class).stream()
                        .noneMatch(policy -> !selectsEveryPod(policy)
                                && Manifests.matches(policy.getSpec().getPodSelector(), template.labels()))) {
                    complaints.add(
                            template, "has no NetworkPolicy of its own: add one that says who may connect to whom");
                }
            }
        }
    };

    /** One rule of a policy, in either direction; no peers means anyone, no ports means all. */
    private record PolicyRule(String direction, List<V1NetworkPolicyPeer> peers, List<V1NetworkPolicyPort> ports) {}

    private static List<PolicyRule> rules(V1NetworkPolicy policy) {
        var ingress = orEmpty(policy.getSpec().getIngress()).stream()
                .map(rule -> new PolicyRule("Ingress", orEmpty(rule.getFrom()), orEmpty(rule.getPorts())))
                .toList();
        var egress = orEmpty(policy.getSpec().getEgress()).stream()
                .map(rule -> new PolicyRule("Egress", orEmpty(rule.getTo()), orEmpty(rule.getPorts())))
                .toList();
        return Manifests.concat(ingress, egress);
    }

    private static boolean isInNamespace(V1NetworkPolicyPeer peer) {
        return peer.getPodSelector() != null && peer.getNamespaceSelector() == null;
    }

    private static List<PodTemplate> pods(Manifests manifests, V1NetworkPolicy policy) {
        return selectsEveryPod(policy)
                ? manifests.podTemplates()
                : manifests.selectedBy(policy.getSpec().getPodSelector());
    }

    static boolean selectsEveryPod(V1NetworkPolicy policy) {
        var selector = policy.getSpec().getPodSelector();
        return selector == null || selector.equals(new V1LabelSelector());
    }

    private static boolean selects(V1Service service) {
        return !orEmpty(service.getSpec().getSelector()).isEmpty();
    }

    private static List<PodTemplate> pods(Manifests manifests, V1Service service) {
        return manifests.selectedBy(
                new V1LabelSelector().matchLabels(service.getSpec().getSelector()));
    }
}
