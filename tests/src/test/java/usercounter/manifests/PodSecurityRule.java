package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1AppArmorProfile;
import io.kubernetes.client.openapi.models.V1Capabilities;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1HTTPGetAction;
import io.kubernetes.client.openapi.models.V1Lifecycle;
import io.kubernetes.client.openapi.models.V1LifecycleHandler;
import io.kubernetes.client.openapi.models.V1PodSecurityContext;
import io.kubernetes.client.openapi.models.V1Probe;
import io.kubernetes.client.openapi.models.V1SELinuxOptions;
import io.kubernetes.client.openapi.models.V1SeccompProfile;
import io.kubernetes.client.openapi.models.V1SecurityContext;
import io.kubernetes.client.openapi.models.V1Sysctl;
import io.kubernetes.client.openapi.models.V1TCPSocketAction;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1WindowsSecurityContextOptions;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The controls of Pod Security's level {@code restricted}, which contains {@code baseline}, in the order of
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/ and as of Kubernetes 1.34. The missing control,
 * not to run as user 0, is part of {@link SecurityRule#HIGH_IDS}.
 */
enum PodSecurityRule implements Rule {
    HOST_PROCESS(
            "is a Windows HostProcess: leave windowsOptions.hostProcess out",
            (pod, container) -> hostProcess(context(pod).getWindowsOptions())
                    || hostProcess(context(container).getWindowsOptions())),

    HOST_NAMESPACES(
            "shares a namespace of its node: leave hostNetwork, hostPID and hostIPC out",
            pod -> isTrue(pod.spec().getHostNetwork())
                    || isTrue(pod.spec().getHostPID())
                    || isTrue(pod.spec().getHostIPC())),

    PRIVILEGED_CONTAINERS(
            "is privileged: leave securityContext.privileged out",
            (pod, container) -> isTrue(context(container).getPrivileged())),

    CAPABILITIES(
            "keeps capabilities: set capabilities.drop to [ALL], and add at most NET_BIND_SERVICE",
            (pod, container) -> {
                var capabilities =
                        Objects.requireNonNullElseGet(context(container).getCapabilities(), V1Capabilities::new);
                return !orEmpty(capabilities.getDrop()).contains("ALL")
                        || !Set.of("NET_BIND_SERVICE").containsAll(orEmpty(capabilities.getAdd()));
            }),

    VOLUME_TYPES(
            "has a volume of a type that is not allowed, such as hostPath: use one of configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected and secret",
            pod -> orEmpty(pod.spec().getVolumes()).stream().anyMatch(volume -> !hasAllowedType(volume))),

    HOST_PORTS(
            "takes a port of its node: leave hostPort out",
            (pod, container) -> orEmpty(container.getPorts()).stream()
                    .anyMatch(port -> Objects.requireNonNullElse(port.getHostPort(), 0) != 0)),

    HOST_PROBES(
            "has a probe or a lifecycle hook that asks another host: leave its host out",
            (pod, container) -> hosts(container).anyMatch(host -> !host.isEmpty())),

    APP_ARMOR(
            "is not confined by AppArmor: leave appArmorProfile and its annotation out",
            (pod, container) -> Stream.of(
                                    context(pod).getAppArmorProfile(),
                                    context(container).getAppArmorProfile())
                            .filter(Objects::nonNull)
                            .map(V1AppArmorProfile::getType)
                            .anyMatch(type -> !isConfined(type))
                    || "unconfined"
                            .equals(orEmpty(pod.metadata().getAnnotations())
                                    .get("container.apparmor.security.beta.kubernetes.io/" + container.getName()))),

    SELINUX(
            "chooses its SELinux context: leave seLinuxOptions out",
            (pod, container) -> Stream.of(
                            context(pod).getSeLinuxOptions(), context(container).getSeLinuxOptions())
                    .filter(Objects::nonNull)
                    .anyMatch(options -> !isAllowed(options))),

    PROC_MOUNT(
            "sees /proc unmasked: leave procMount out",
            (pod, container) -> "Unmasked".equals(context(container).getProcMount())),

    SYSCTLS(
            "sets a sysctl that is not safe: leave it out of securityContext.sysctls",
            pod -> orEmpty(context(pod).getSysctls()).stream().anyMatch(sysctl -> !isSafe(sysctl))),

    PRIVILEGE_ESCALATION(
            "may gain privileges: set allowPrivilegeEscalation to false",
            (pod, container) -> !isFalse(context(container).getAllowPrivilegeEscalation())),

    RUN_AS_NON_ROOT(
            "may run as root: set runAsNonRoot to true",
            (pod, container) -> !isTrue(Objects.requireNonNullElse(
                    context(container).getRunAsNonRoot(),
                    Objects.requireNonNullElse(context(pod).getRunAsNonRoot(), false)))),

    SECCOMP(
            "is not confined by seccomp: set seccompProfile.type to RuntimeDefault",
            (pod, container) -> !isConfined(Stream.of(
                            context(container).getSeccompProfile(), context(pod).getSeccompProfile())
                    .filter(Objects::nonNull)
                    .findFirst()
                    .map(V1SeccompProfile::getType)
                    .orElse("Unconfined")));

    private static final Set<String> CONFINED = Set.of("RuntimeDefault", "Localhost");

    private static final Set<String> SAFE_SYSCTLS = Set.of(
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ping_group_range",
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_keepalive_time",
            "net.ipv4.tcp_rmem",
            "net.ipv4.tcp_syncookies",
            "net.ipv4.tcp_wmem");

    private final String complaint;
    private final Predicate<PodTemplate> podBreaks;
    private final BiPredicate<PodTemplate, V1Container> containerBreaks;

    /** A rule about the pod as a whole. */
    PodSecurityRule(String complaint, Predicate<PodTemplate> podBreaks) {
        this.complaint = complaint;
        this.podBreaks = podBreaks;
        this.containerBreaks = (pod, container) -> false;
    }

    /** A rule about each container, including settings that it inherits from the pod. */
    PodSecurityRule(String complaint, BiPredicate<PodTemplate, V1Container> containerBreaks) {
        this.complaint = complaint;
        this.podBreaks = pod -> false;
        this.containerBreaks = containerBreaks;
    }

    @Override
    public void check(Manifests manifests, Complaints complaints) {
        for (var template : manifests.podTemplates()) {
            if (podBreaks.test(template)) {
                complaints.add(template, "the pod %s", complaint);
            }
        }
        manifests.forEachContainer((template, container) -> {
            if (containerBreaks.test(template, container)) {
                complaints.add(template, "container %s %s", container.getName(), complaint);
            }
        });
    }

    static V1PodSecurityContext context(PodTemplate pod) {
        return Objects.requireNonNullElseGet(pod.spec().getSecurityContext(), V1PodSecurityContext::new);
    }

    static V1SecurityContext context(V1Container container) {
        return Objects.requireNonNullElseGet(container.getSecurityContext(), V1SecurityContext::new);
    }

    private static boolean isTrue(Boolean value) {
        return Boolean.TRUE.equals(value);
    }

    private static boolean isFalse(Boolean value) {
        return Boolean.FALSE.equals(value);
    }

    private static boolean hostProcess(V1WindowsSecurityContextOptions options) {
        return options != null && isTrue(options.getHostProcess());
    }

    private static boolean hasAllowedType(V1Volume volume) {
        var fields = JSON.getGson().toJsonTree(volume).getAsJsonObject().keySet();
        return Set.of(
                        "name",
                        "configMap",
                        "csi",
                        "downwardAPI",
                        "emptyDir",
                        "ephemeral",
                        "persistentVolumeClaim",
                        "projected",
                        "secret")
                .containsAll(fields);
    }

    private static boolean isConfined(String profileType) {
        return CONFINED.contains(profileType);
    }

    private static boolean isSafe(V1Sysctl sysctl) {
        return SAFE_SYSCTLS.contains(sysctl.getName());
    }

    private static boolean isAllowed(V1SELinuxOptions options) {
        return Stream.of(options.getUser(), options.getRole()).allMatch(value -> value == null || value.isEmpty())
                && Set.of("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
                        .contains(Objects.requireNonNullElse(options.getType(), ""));
    }

    private static Stream<String> hosts(V1Container container) {
        var probes = Stream.of(container.getStartupProbe(), container.getReadinessProbe(), container.getLivenessProbe())
                .filter(Objects::nonNull)
                .toList();
        var lifecycle = Optional.ofNullable(container.getLifecycle());
        var hooks = Stream.of(lifecycle.map(V1Lifecycle::getPostStart), lifecycle.map(V1Lifecycle::getPreStop))
                .flatMap(Optional::stream)
                .toList();
        var httpGets = Stream.concat(
                        probes.stream().map(V1Probe::getHttpGet), hooks.stream().map(V1LifecycleHandler::getHttpGet))
                .filter(Objects::nonNull)
                .map(V1HTTPGetAction::getHost);
        var tcpSockets = Stream.concat(
                        probes.stream().map(V1Probe::getTcpSocket),
                        hooks.stream().map(V1LifecycleHandler::getTcpSocket))
                .filter(Objects::nonNull)
                .map(V1TCPSocketAction::getHost);
        return Stream.concat(httpGets, tcpSockets).filter(Objects::nonNull);
    }
}
