package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Lifecycle;
import io.kubernetes.client.openapi.models.V1LifecycleHandler;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudgetSpec;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1SleepAction;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Pods start, stop and move without anybody noticing. */
enum AvailabilityRule implements Rule {
    PROBES {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachLongRunningContainer((template, container) -> {
                probes(container).forEach((name, probe) -> {
                    if (probe == null) {
                        complaints.add(template, "container %s has no %s: add one", container.getName(), name);
                    }
                });
            });
        }
    },

    /** A container that is alive may not be ready: one question cannot find out both. */
    PROBES_DIFFER {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachLongRunningContainer((template, container) -> {
                var questions = probes(container).values().stream()
                        .map(AvailabilityRule::question)
                        .distinct()
                        .toList();
                if (questions.size() == 1 && questions.get(0) != null) {
                    complaints.add(
                            template,
                            "the probes of container %s all ask the same: readiness is to ask for more than liveness does",
                            container.getName());
                }
            });
        }
    },

    PROBE_PORT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachLongRunningContainer((template, container) -> {
                probes(container).forEach((name, probe) -> {
                    var port = port(probe);
                    if (port != null && !PodTemplate.hasPort(container, port, "TCP")) {
                        complaints.add(
                                template,
                                "the %s of container %s asks port %s, which the container does not have: mend the port",
                                name,
                                container.getName(),
                                port);
                    }
                });
            });
        }

        private static IntOrString port(V1Probe probe) {
            if (probe == null) {
                return null;
            }
            if (probe.getHttpGet() != null) {
                return probe.getHttpGet().getPort();
            }
            if (probe.getTcpSocket() != null) {
                return probe.getTcpSocket().getPort();
            }
            return probe.getGrpc() == null
                    ? null
                    : new IntOrString(probe.getGrpc().getPort());
        }
    },

    /** MicroProfile Health has one path for each probe. */
    PROBE_PATH {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (!"backend".equals(template.labels().get("app.kubernetes.io/name"))) {
                    continue;
                }
                for (var container : template.longRunningContainers()) {
                    probes(container).forEach((name, probe) -> {
                        if (probe != null
                                && probe.getHttpGet() != null
                                && !PATHS.contains(probe.getHttpGet().getPath())) {
                            complaints.add(
                                    template,
                                    "the %s of container %s asks for %s, which the backend does not have: make it one of %s",
                                    name,
                                    container.getName(),
                                    probe.getHttpGet().getPath(),
                                    PATHS);
                        }
                    });
                }
            }
        }

        private static final List<String> PATHS = List.of("/health/started", "/health/ready", "/health/live");
    },

    /** Until the sleep is over the container is not asked to end, and then it needs time to. */
    GRACE_PERIOD {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var grace = Objects.requireNonNullElse(template.spec().getTerminationGracePeriodSeconds(), 30L);
                for (var container : template.longRunningContainers()) {
                    var sleep = preStopSleep(container);
                    if (sleep >= grace) {
                        complaints.add(
                                template,
                                "container %s is killed after %d s and sleeps for %d s of them: make terminationGracePeriodSeconds longer than preStop and shutdown together",
                                container.getName(),
                                grace,
                                sleep);
                    }
                }
            }
        }

        private static long preStopSleep(V1Container container) {
            return Optional.ofNullable(container.getLifecycle())
                    .map(V1Lifecycle::getPreStop)
                    .map(V1LifecycleHandler::getSleep)
                    .map(V1SleepAction::getSeconds)
                    .orElse(0L);
        }
    },

    TOPOLOGY_SPREAD {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var spread : orEmpty(template.spec().getTopologySpreadConstraints())) {
                    if (!Manifests.matches(spread.getLabelSelector(), template.labels())) {
                        complaints.add(
                                template,
                                "is not spread over %s, as the constraint selects other pods: make its labelSelector part of the template's labels",
                                spread.getTopologyKey());
                    }
                }
            }
        }
    },

    DISRUPTION_BUDGET_SELECTOR {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var budget : manifests.all(V1PodDisruptionBudget.class)) {
                if (manifests.selectedBy(budget.getSpec().getSelector()).isEmpty()) {
                    complaints.add(budget, "selects no pod: make spec.selector the labels of a pod template");
                }
            }
        }
    },

    /** A drain waits until the budget lets a pod go. */
    DISRUPTION_BUDGET_DRAIN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var budget : manifests.all(V1PodDisruptionBudget.class)) {
                int pods = manifests.selectedBy(budget.getSpec().getSelector()).stream()
                        .mapToInt(manifests::replicas)
                        .sum();
                if (pods > 0 && allowedDisruptions(budget.getSpec(), pods) <= 0) {
                    complaints.add(
                            budget,
                            "lets none of its %d pods go, so no node can be drained: set maxUnavailable to 1",
                            pods);
                }
            }
        }

        private static int allowedDisruptions(V1PodDisruptionBudgetSpec budget, int pods) {
            if (budget.getMaxUnavailable() != null) {
                return number(budget.getMaxUnavailable(), pods);
            }
            // Without either, one must be available.
            return pods - number(Objects.requireNonNullElse(budget.getMinAvailable(), new IntOrString(1)), pods);
        }

        /** Percentages are rounded up. */
        private static int number(IntOrString value, int pods) {
            return value.isInteger()
                    ? value.getIntValue()
                    : (int) Math.ceil(Integer.parseInt(value.getStrValue().replace("%", "")) * pods / 100.0);
        }
    },

    /** Without one, a drain may take all of a workload's pods at once. */
    DISRUPTION_BUDGET_FOR_REPLICAS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (manifests.replicas(template) > 1
                        && manifests.all(V1PodDisruptionBudget.class).stream()
                                .noneMatch(budget ->
                                        Manifests.matches(budget.getSpec().getSelector(), template.labels()))) {
                    complaints.add(
                            template,
                            "has %d pods and no PodDisruptionBudget: add one with maxUnavailable 1",
                            manifests.replicas(template));
                }
            }
        }
    };

    private static Map<String, V1Probe> probes(V1Container container) {
        var probes = new LinkedHashMap<String, V1Probe>();
        probes.put("startupProbe", container.getStartupProbe());
        probes.put("readinessProbe", container.getReadinessProbe());
        probes.put("livenessProbe", container.getLivenessProbe());
        return probes;
    }

    /** What a probe asks, apart from how often. */
    private static List<Object> question(V1Probe probe) {
        return probe == null
                ? null
                : Arrays.asList(probe.getHttpGet(), probe.getTcpSocket(), probe.getGrpc(), probe.getExec());
    }
}
