package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1DeploymentStrategy;
import io.kubernetes.client.openapi.models.V1Lifecycle;
import io.kubernetes.client.openapi.models.V1LifecycleHandler;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudgetSpec;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1RollingUpdateDeployment;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1SleepAction;
import io.kubernetes.client.openapi.models.V1TopologySpreadConstraint;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Pods start, stop and move without failing requests. */
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

    /** A live container may be not ready, so the probes must differ. */
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
                            "the probes of container %s are all the same: make the readiness probe check more than the"
                                    + " liveness probe",
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
                                "the %s of container %s asks port %s, which the container does not have: fix the port",
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

    /** Only the readiness probe of the backend depends on another pod, on Redis. */
    PROBE_PATH {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachLongRunningContainer((template, container) -> {
                var paths = PATHS.getOrDefault(template.labels().get("app.kubernetes.io/name"), Map.of());
                probes(container).forEach((name, probe) -> {
                    var path = paths.get(name);
                    if (path != null
                            && probe != null
                            && probe.getHttpGet() != null
                            && !path.equals(probe.getHttpGet().getPath())) {
                        complaints.add(
                                template,
                                "the %s of container %s asks for %s: make it %s",
                                name,
                                container.getName(),
                                probe.getHttpGet().getPath(),
                                path);
                    }
                });
            });
        }

        private static final Map<String, Map<String, String>> PATHS = Map.of(
                "backend",
                        Map.of(
                                "startupProbe", "/health/started",
                                "readinessProbe", "/health/ready",
                                "livenessProbe", "/health/live"),
                "frontend",
                        Map.of(
                                "startupProbe", "/ready",
                                "readinessProbe", "/ready",
                                "livenessProbe", "/ready"));
    },

    /** Otherwise nginx sends each slow request twice, and no backend is ready while Redis is slow. */
    REDIS_TIMEOUT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var map : manifests.all(V1ConfigMap.class)) {
                var timeout = orEmpty(map.getData()).get("REDIS_TIMEOUT");
                if (timeout != null) {
                    var shortest = Math.min(nginxSeconds(manifests), probeSeconds(manifests));
                    if (millis(timeout) >= shortest * 1_000L) {
                        complaints.add(
                                map,
                                "REDIS_TIMEOUT is %s, but nginx or the readiness probe waits only %d s: raise proxy_read_timeout in nginx.conf and timeoutSeconds of the probe above it",
                                timeout,
                                shortest);
                    }
                }
            }
        }

        private static int probeSeconds(Manifests manifests) {
            return Objects.requireNonNullElse(
                    manifests.backend().getReadinessProbe().getTimeoutSeconds(), 1);
        }

        private static int nginxSeconds(Manifests manifests) {
            return manifests.all(V1ConfigMap.class).stream()
                    .map(map -> PROXY.matcher(orEmpty(map.getData()).getOrDefault("nginx.conf", "")))
                    .filter(Matcher::find)
                    .mapToInt(proxy -> Integer.parseInt(proxy.group(1)))
                    .min()
                    .orElse(Integer.MAX_VALUE);
        }

        /** Only the units of {@code Settings}, which checks the value itself. */
        private static long millis(String timeout) {
            long number = Long.parseLong(timeout.replaceAll("\\D", ""));
            return timeout.endsWith("ms") ? number : number * 1_000;
        }

        private static final Pattern PROXY = Pattern.compile("\\bproxy_read_timeout +(\\d+)s;");
    },

    ROLLING_UPDATE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var deployment : manifests.all(V1Deployment.class)) {
                var update = Optional.ofNullable(deployment.getSpec().getStrategy())
                        .map(V1DeploymentStrategy::getRollingUpdate)
                        .orElseGet(V1RollingUpdateDeployment::new);
                if (update.getMaxUnavailable() == null
                        || !update.getMaxUnavailable().toString().matches("0%?")) {
                    complaints.add(
                            deployment,
                            "ends pods before new ones are ready: set strategy.rollingUpdate.maxUnavailable to 0 and maxSurge to 1");
                }
            }
        }
    },

    /** The service goes on when one pod ends. */
    REPLICAS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (template.owner() instanceof V1Deployment && manifests.replicas(template) < 2) {
                    complaints.add(
                            template,
                            "has %d pods, so the service stops when a node does: set replicas, or minReplicas of its autoscaler, to 2 or more",
                            manifests.replicas(template));
                }
            }
        }
    },

    /** A pod moves to any other node when its own fails. */
    ANY_NODE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var spec = template.spec();
                if (spec.getNodeName() != null
                        || orEmpty(spec.getNodeSelector()).containsKey("kubernetes.io/hostname")) {
                    complaints.add(template, "runs on one node only: leave nodeName and the label of a node out");
                }
                if (orEmpty(spec.getTolerations()).stream().anyMatch(toleration -> toleration.getKey() == null)) {
                    complaints.add(
                            template,
                            "tolerates every taint, also that of a node that is drained or lost: name the key of the taint");
                }
            }
        }
    },

    /** A terminating pod must accept connections until all nodes know that they must not use it any more. */
    PRE_STOP {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachLongRunningContainer((template, container) -> {
                if (isServedByOthersMeanwhile(manifests, template)
                        && !orEmpty(container.getPorts()).isEmpty()
                        && preStop(container).isEmpty()) {
                    complaints.add(
                            template,
                            "container %s ends while its Service still sends requests to it: add lifecycle.preStop",
                            container.getName());
                }
            });
        }

        private static boolean isServedByOthersMeanwhile(Manifests manifests, PodTemplate template) {
            return (template.owner() instanceof V1Deployment || manifests.replicas(template) > 1)
                    && manifests.all(V1Service.class).stream()
                            .anyMatch(service -> NetworkRule.selects(service)
                                    && NetworkRule.pods(manifests, service).contains(template));
        }
    },

    /** The grace period includes the preStop sleep and the time for the shutdown. */
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
                                "container %s is killed after %d s and sleeps for %d s of them: make"
                                        + " terminationGracePeriodSeconds longer than preStop and shutdown together",
                                container.getName(),
                                grace,
                                sleep);
                    }
                }
            }
        }

        private static long preStopSleep(V1Container container) {
            var byCommand = preStop(container)
                    .map(V1LifecycleHandler::getExec)
                    .map(exec -> SLEEP.matcher(String.join(" ", orEmpty(exec.getCommand()))))
                    .filter(Matcher::find)
                    .map(sleep -> Long.parseLong(sleep.group(1)));
            return preStop(container)
                    .map(V1LifecycleHandler::getSleep)
                    .map(V1SleepAction::getSeconds)
                    .or(() -> byCommand)
                    .orElse(0L);
        }

        private static final Pattern SLEEP = Pattern.compile("\\bsleep (\\d+)");
    },

    /** Otherwise every apply resets the number of replicas that the autoscaler has set. */
    SCALED_REPLICAS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (template.replicas() != null
                        && manifests.autoscalers().stream()
                                .anyMatch(autoscaler -> autoscaler.scales(template.owner()))) {
                    complaints.add(template, "has replicas, which an autoscaler sets: leave replicas out");
                }
            }
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
                                "is not spread over %s, as the constraint selects other pods: make its labelSelector"
                                        + " part of the template's labels",
                                spread.getTopologyKey());
                    }
                    for (var other : manifests.selectedBy(spread.getLabelSelector())) {
                        if (other.owner() != template.owner() && isCountedTogether(spread, template, other)) {
                            complaints.add(
                                    template,
                                    "is spread over %s together with %s: add a label that only one of them has to"
                                            + " matchLabelKeys",
                                    spread.getTopologyKey(),
                                    Manifests.nameOf(other.owner()));
                        }
                    }
                }
            }
        }

        private static boolean isCountedTogether(
                V1TopologySpreadConstraint spread, PodTemplate template, PodTemplate other) {
            return orEmpty(spread.getMatchLabelKeys()).stream()
                    .allMatch(key -> template.labels().containsKey(key) // unlike pod-template-hash
                            && template.labels().get(key).equals(other.labels().get(key)));
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

    /** A drain waits until the budget allows the eviction of a pod. */
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
                            "lets none of its %d pods be evicted, so no node can be drained: set maxUnavailable to 1",
                            pods);
                }
            }
        }

        private static int allowedDisruptions(V1PodDisruptionBudgetSpec budget, int pods) {
            if (budget.getMaxUnavailable() != null) {
                return number(budget.getMaxUnavailable(), pods);
            }
            // The default is minAvailable 1.
            return pods - number(Objects.requireNonNullElse(budget.getMinAvailable(), new IntOrString(1)), pods);
        }

        /** Percentages are rounded up. */
        private static int number(IntOrString value, int pods) {
            return value.isInteger()
                    ? value.getIntValue()
                    : (int) Math.ceil(Integer.parseInt(value.getStrValue().replace("%", "")) * pods / 100.0);
        }
    },

    /** Without a budget, a drain may evict all pods of a workload at once. */
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

    private static Optional<V1LifecycleHandler> preStop(V1Container container) {
        return Optional.ofNullable(container.getLifecycle()).map(V1Lifecycle::getPreStop);
    }

    private static Map<String, V1Probe> probes(V1Container container) {
        var probes = new LinkedHashMap<String, V1Probe>();
        probes.put("startupProbe", container.getStartupProbe());
        probes.put("readinessProbe", container.getReadinessProbe());
        probes.put("livenessProbe", container.getLivenessProbe());
        return probes;
    }

    /** The check of a probe, without its timing. */
    private static List<Object> question(V1Probe probe) {
        return probe == null
                ? null
                : Arrays.asList(probe.getHttpGet(), probe.getTcpSocket(), probe.getGrpc(), probe.getExec());
    }
}
