package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPeer;
import io.kubernetes.client.openapi.models.V1NetworkPolicyPort;
import io.kubernetes.client.openapi.models.V1Service;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Services and NetworkPolicies refer to existing pods and ports. */
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
                                    "port %s leads to port %s, which no container of %s has: fix targetPort",
                                    port.getPort(),
                                    targetPort,
                                    Manifests.nameOf(template.owner()));
                        }
                    }
                }
            }
        }
    },

    /** nginx.conf and REDIS_URL contain Services with their ports. */
    SERVICE_ADDRESS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var service : manifests.all(V1Service.class)) {
                var ports = orEmpty(service.getSpec().getPorts()).stream()
                        .map(port -> port.getPort().toString())
                        .toList();
                manifests.all(V1ConfigMap.class).stream()
                        .flatMap(configMap -> orEmpty(configMap.getData()).values().stream())
                        .flatMap(text -> ADDRESS.matcher(text).results())
                        .filter(address -> address.group(1).equals(Manifests.nameOf(service)))
                        .map(address -> address.group(2))
                        .filter(port -> !ports.contains(port))
                        .distinct()
                        .forEach(port -> complaints.add(
                                service,
                                "has no port %s, which nginx.conf or REDIS_URL asks for: fix one of the two",
                                port));
            }
        }

        private static final Pattern ADDRESS =
                Pattern.compile("(?m)(?:^ *server |^rediss?(?:-cluster)?://(?:[^@/]*@)?)([\\w-]+):(\\d+)");
    },

    /** Only nginx can be reached from outside the cluster. */
    PUBLIC_SERVICE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var service : manifests.all(V1Service.class)) {
                var type = Objects.requireNonNullElse(service.getSpec().getType(), "ClusterIP");
                if (!type.equals("ClusterIP") && !(type.equals("LoadBalancer") && isPublic(service))) {
                    complaints.add(
                            service,
                            "is of type %s: leave type out, only Service %s may be of type LoadBalancer",
                            type,
                            PUBLIC);
                }
                if (!orEmpty(service.getSpec().getExternalIPs()).isEmpty()) {
                    complaints.add(
                            service, "takes traffic for addresses outside of the cluster: leave externalIPs out");
                }
            }
        }
    },

    /** The backends of an Ingress and of the routes of the Gateway API. */
    ROUTE_BACKEND {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.json()) {
                if (object.get("kind").getAsString().matches("Ingress|.+Route")) {
                    check(manifests, object, object, complaints);
                }
            }
        }

        private static void check(Manifests manifests, JsonObject route, JsonElement value, Complaints complaints) {
            if (value instanceof JsonArray items) {
                items.forEach(item -> check(manifests, route, item, complaints));
            } else if (value instanceof JsonObject fields) {
                fields.asMap().forEach((field, content) -> {
                    if (field.equals("service") && content instanceof JsonObject service) {
                        var port = service.get("port") instanceof JsonObject it ? it : new JsonObject();
                        check(
                                manifests,
                                route,
                                service,
                                port.has("name") ? port.get("name") : port.get("number"),
                                complaints);
                    } else if (field.equals("backendRefs") && content instanceof JsonArray references) {
                        for (var item : references) {
                            if (item instanceof JsonObject reference
                                    && (!reference.has("kind")
                                            || text(reference.get("kind")).equals("Service"))) {
                                check(manifests, route, reference, reference.get("port"), complaints);
                            }
                        }
                    } else {
                        check(manifests, route, content, complaints);
                    }
                });
            }
        }

        private static void check(
                Manifests manifests, JsonObject route, JsonObject backend, JsonElement port, Complaints complaints) {
            var name = text(backend.get("name"));
            var service = manifests.find(V1Service.class, name);
            if (service.isEmpty()) {
                complaints.add(route, "leads to Service %s, which is not there: add it, or fix the name", name);
            } else if (!hasPort(service.get(), text(port))) {
                complaints.add(
                        route, "leads to port %s, which Service %s does not have: fix the port", text(port), name);
            }
        }

        /** The text of any JSON value, which may not fit the schema. */
        private static String text(JsonElement value) {
            return String.valueOf(value).replace("\"", "");
        }

        private static boolean hasPort(V1Service service, String port) {
            return orEmpty(service.getSpec().getPorts()).stream()
                    .anyMatch(candidate -> port.equals(candidate.getName())
                            || port.equals(candidate.getPort().toString()));
        }
    },

    NETWORK_POLICY_SELECTOR {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var policy : manifests.all(V1NetworkPolicy.class)) {
                if (pods(manifests, policy).isEmpty() && !isForCertManager(policy)) {
                    complaints.add(policy, "selects no pod: make spec.podSelector the labels of a pod template");
                }
            }
        }

        /** cert-manager creates these pods. */
        private static boolean isForCertManager(V1NetworkPolicy policy) {
            return orEmpty(policy.getSpec().getPodSelector().getMatchLabels())
                    .containsKey("acme.cert-manager.io/http01-solver");
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
                                    "%s names a peer without pods: make its podSelector %s the labels of a pod template",
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
                        if (!servers.isEmpty()
                                && servers.stream().noneMatch(server -> hasPort(server, port))
                                && !isAlsoForOthers(manifests, policy)) {
                            complaints.add(
                                    policy,
                                    "%s is open for port %s, which no container behind it has: fix or remove it",
                                    rule.direction(),
                                    port.getPort());
                        }
                    }
                }
            }
        }

        /** A policy may list pods by name, and the port may be for those that a component has removed. */
        private static boolean isAlsoForOthers(Manifests manifests, V1NetworkPolicy policy) {
            return orEmpty(policy.getSpec().getPodSelector().getMatchExpressions()).stream()
                    .flatMap(expression -> orEmpty(expression.getValues()).stream()
                            .map(value -> new V1LabelSelector().putMatchLabelsItem(expression.getKey(), value)))
                    .anyMatch(listed -> manifests.selectedBy(listed).isEmpty());
        }

        /** The application's pods that the rule allows connections to. */
        private static List<PodTemplate> servers(Manifests manifests, V1NetworkPolicy policy, PolicyRule rule) {
            if (rule.direction().equals("Ingress")) {
                return pods(manifests, policy);
            }
            // The ports of a peer outside the application are unknown.
            return rule.peers().stream().allMatch(NetworkRule::isInNamespace)
                    ? rule.peers().stream()
                            .flatMap(peer -> manifests.selectedBy(peer.getPodSelector()).stream())
                            .toList()
                    : List.of();
        }

        private static boolean hasPort(PodTemplate template, V1NetworkPolicyPort port) {
            return port.getPort() == null || template.hasPort(port.getPort(), port.getProtocol());
        }
    },

    /** A policy names peers and ports. Only the port of nginx is open for everybody. */
    NETWORK_POLICY_OPEN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var policy : manifests.all(V1NetworkPolicy.class)) {
                for (var rule : rules(policy)) {
                    if (rule.ports().isEmpty()
                            || rule.ports().stream()
                                    .anyMatch(port -> port.getPort() == null || port.getEndPort() != null)) {
                        complaints.add(
                                policy,
                                "%s is open for a range of ports or for all ports: list single ports",
                                rule.direction());
                    }
                    if (isForEverybody(rule) && !(rule.direction().equals("Ingress") && isPublic(manifests, policy))) {
                        complaints.add(
                                policy,
                                "%s is open for everybody: name peers, by podSelector or a small network",
                                rule.direction());
                    }
                }
            }
        }

        private static boolean isForEverybody(PolicyRule rule) {
            return rule.peers().isEmpty() || rule.peers().stream().anyMatch(peer -> isEverybody(peer));
        }

        /** A network that is larger than any private network, or selectors that match everything. */
        private static boolean isEverybody(V1NetworkPolicyPeer peer) {
            if (peer.getIpBlock() != null) {
                var cidr = peer.getIpBlock().getCidr().split("/");
                return Integer.parseInt(cidr[1]) < (cidr[0].contains(":") ? 7 : 8);
            }
            return Stream.of(peer.getNamespaceSelector(), peer.getPodSelector())
                    .allMatch(selector -> selector == null || selector.equals(new V1LabelSelector()));
        }

        private static boolean isPublic(Manifests manifests, V1NetworkPolicy policy) {
            return manifests.all(V1Service.class).stream()
                    .filter(NetworkRule::isPublic)
                    .anyMatch(service -> pods(manifests, service).equals(pods(manifests, policy)));
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

    /** In addition to the policies for the pods of several components. */
    NETWORK_POLICY_FOR_EVERY_POD {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (manifests.all(V1NetworkPolicy.class).stream()
                        .noneMatch(policy -> !isOfSeveralComponents(manifests, policy)
                                && Manifests.matches(policy.getSpec().getPodSelector(), template.labels()))) {
                    complaints.add(
                            template,
                            "has no NetworkPolicy that selects only its pods: add one with the allowed connections");
                }
            }
        }
    };

    /** The Service that everybody may reach. */
    private static final String PUBLIC = "nginx";

    private static boolean isPublic(V1Service service) {
        return Manifests.nameOf(service).equals(PUBLIC);
    }

    /** One rule of a policy, ingress or egress. No peers means everybody, no ports means all ports. */
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

    static List<PodTemplate> pods(Manifests manifests, V1NetworkPolicy policy) {
        return selectsEveryPod(policy)
                ? manifests.podTemplates()
                : manifests.selectedBy(policy.getSpec().getPodSelector());
    }

    static boolean isOfSeveralComponents(Manifests manifests, V1NetworkPolicy policy) {
        return selectsEveryPod(policy)
                || pods(manifests, policy).stream()
                                .map(template -> template.labels().get("app.kubernetes.io/name"))
                                .distinct()
                                .count()
                        > 1;
    }

    private static boolean selectsEveryPod(V1NetworkPolicy policy) {
        var selector = policy.getSpec().getPodSelector();
        return selector == null || selector.equals(new V1LabelSelector());
    }

    static boolean selects(V1Service service) {
        return !orEmpty(service.getSpec().getSelector()).isEmpty();
    }

    static List<PodTemplate> pods(Manifests manifests, V1Service service) {
        return manifests.selectedBy(
                new V1LabelSelector().matchLabels(service.getSpec().getSelector()));
    }
}
