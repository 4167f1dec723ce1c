package usercounter.manifests;

import static usercounter.manifests.Manifests.concat;
import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.custom.IntOrString;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1ContainerPort;
import io.kubernetes.client.openapi.models.V1CronJob;
import io.kubernetes.client.openapi.models.V1DaemonSet;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1LabelSelector;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1PodTemplateSpec;
import io.kubernetes.client.openapi.models.V1ReplicaSet;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The pod template of a workload.
 *
 * @param owner the workload
 * @param replicas null if not set
 * @param selector the selector for the workload's pods; null if not set
 * @param claims the volumeClaimTemplates of a StatefulSet
 */
record PodTemplate(
        KubernetesObject owner,
        Integer replicas,
        V1LabelSelector selector,
        List<V1PersistentVolumeClaim> claims,
        V1ObjectMeta metadata,
        V1PodSpec spec) {

    /** The pod template of this object, if it has one. */
    static Optional<PodTemplate> of(KubernetesObject object) {
        if (object instanceof V1Deployment it) {
            var spec = it.getSpec();
            return of(it, spec.getReplicas(), spec.getSelector(), null, spec.getTemplate());
        }
        if (object instanceof V1StatefulSet it) {
            var spec = it.getSpec();
            return of(it, spec.getReplicas(), spec.getSelector(), spec.getVolumeClaimTemplates(), spec.getTemplate());
        }
        if (object instanceof V1ReplicaSet it) {
            var spec = it.getSpec();
            return of(it, spec.getReplicas(), spec.getSelector(), null, spec.getTemplate());
        }
        if (object instanceof V1DaemonSet it) {
            return of(it, 1, it.getSpec().getSelector(), null, it.getSpec().getTemplate());
        }
        if (object instanceof V1Job it) {
            return of(it, 1, null, null, it.getSpec().getTemplate());
        }
        if (object instanceof V1CronJob it) {
            return of(it, 1, null, null, it.getSpec().getJobTemplate().getSpec().getTemplate());
        }
        if (object instanceof V1Pod it) {
            return Optional.of(new PodTemplate(it, 1, null, List.of(), it.getMetadata(), it.getSpec()));
        }
        return Optional.empty();
    }

    private static Optional<PodTemplate> of(
            KubernetesObject owner,
            Integer replicas,
            V1LabelSelector selector,
            List<V1PersistentVolumeClaim> claims,
            V1PodTemplateSpec template) {
        return Optional.of(new PodTemplate(
                owner,
                replicas,
                selector,
                orEmpty(claims),
                Objects.requireNonNullElseGet(template.getMetadata(), V1ObjectMeta::new),
                Objects.requireNonNullElseGet(template.getSpec(), V1PodSpec::new)));
    }

    Map<String, String> labels() {
        return orEmpty(metadata.getLabels());
    }

    List<V1Container> containers() {
        return concat(spec.getInitContainers(), spec.getContainers());
    }

    /**
     * The containers that run as long as the pod, including sidecars, but not the containers of Jobs. An exporter and the
     * container password are none of them: they serve no client, and a probe would take their pod away from the clients.
     */
    List<V1Container> longRunningContainers() {
        if (owner instanceof V1Job || owner instanceof V1CronJob) {
            return List.of();
        }
        return servingContainers().stream()
                .filter(container -> !Set.of("exporter", "password").contains(container.getName()))
                .toList();
    }

    /** All except init containers that end before these start. */
    List<V1Container> servingContainers() {
        var sidecars = orEmpty(spec.getInitContainers()).stream()
                .filter(container -> "Always".equals(container.getRestartPolicy()))
                .toList();
        return concat(sidecars, spec.getContainers());
    }

    boolean hasPort(IntOrString port, String protocol) {
        return containers().stream().anyMatch(container -> hasPort(container, port, protocol));
    }

    static boolean hasPort(V1Container container, IntOrString port, String protocol) {
        return orEmpty(container.getPorts()).stream()
                .filter(candidate -> protocol(candidate.getProtocol()).equals(protocol(protocol)))
                .anyMatch(candidate -> is(candidate, port));
    }

    private static boolean is(V1ContainerPort candidate, IntOrString port) {
        return port.isInteger()
                ? port.getIntValue().equals(candidate.getContainerPort())
                : port.getStrValue().equals(candidate.getName());
    }

    private static String protocol(String protocol) {
        return Objects.requireNonNullElse(protocol, "TCP");
    }
}
