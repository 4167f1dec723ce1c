package usercounter.manifests;

import static usercounter.manifests.Manifests.matches;
import static usercounter.manifests.Manifests.nameOf;
import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.common.KubernetesObject;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1KeyToPath;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import io.kubernetes.client.openapi.models.V2HorizontalPodAutoscaler;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Whatever an object names is there. */
enum ReferenceRule implements Rule {
    CONFIG_MAP {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var reference : references(template)) {
                    var configMap = manifests.find(V1ConfigMap.class, reference.name());
                    check(
                            template,
                            "ConfigMap",
                            reference,
                            configMap.map(ReferenceRule::keys).orElse(null),
                            complaints);
                }
            }
        }

        private static List<Reference> references(PodTemplate template) {
            var references = new ArrayList<Reference>();
            for (var container : template.containers()) {
                for (var source : orEmpty(container.getEnvFrom())) {
                    if (source.getConfigMapRef() != null) {
                        var from = source.getConfigMapRef();
                        references.add(new Reference(from.getName(), from.getOptional(), List.of()));
                    }
                }
                for (var variable : orEmpty(container.getEnv())) {
                    if (variable.getValueFrom() != null
                            && variable.getValueFrom().getConfigMapKeyRef() != null) {
                        var from = variable.getValueFrom().getConfigMapKeyRef();
                        references.add(new Reference(from.getName(), from.getOptional(), List.of(from.getKey())));
                    }
                }
            }
            for (var volume : orEmpty(template.spec().getVolumes())) {
                if (volume.getConfigMap() != null) {
                    var from = volume.getConfigMap();
                    references.add(new Reference(from.getName(), from.getOptional(), keys(from.getItems())));
                }
                if (volume.getProjected() != null) {
                    for (var source : orEmpty(volume.getProjected().getSources())) {
                        if (source.getConfigMap() != null) {
                            var from = source.getConfigMap();
                            references.add(new Reference(from.getName(), from.getOptional(), keys(from.getItems())));
                        }
                    }
                }
            }
            return references;
        }
    },

    SECRET {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var reference : references(template)) {
                    var secret = manifests.find(V1Secret.class, reference.name());
                    check(template, "Secret", reference, secret.map(ReferenceRule::keys).orElse(null), complaints);
                }
            }
        }

        private static List<Reference> references(PodTemplate template) {
            var references = new ArrayList<Reference>();
            for (var from : orEmpty(template.spec().getImagePullSecrets())) {
                references.add(new Reference(from.getName(), false, List.of()));
            }
            for (var container : template.containers()) {
                for (var source : orEmpty(container.getEnvFrom())) {
                    if (source.getSecretRef() != null) {
                        var from = source.getSecretRef();
                        references.add(new Reference(from.getName(), from.getOptional(), List.of()));
                    }
                }
                for (var variable : orEmpty(container.getEnv())) {
                    if (variable.getValueFrom() != null
                            && variable.getValueFrom().getSecretKeyRef() != null) {
                        var from = variable.getValueFrom().getSecretKeyRef();
                        references.add(new Reference(from.getName(), from.getOptional(), List.of(from.getKey())));
                    }
                }
            }
            for (var volume : orEmpty(template.spec().getVolumes())) {
                if (volume.getSecret() != null) {
                    var from = volume.getSecret();
                    references.add(new Reference(from.getSecretName(), from.getOptional(), keys(from.getItems())));
                }
                if (volume.getProjected() != null) {
                    for (var source : orEmpty(volume.getProjected().getSources())) {
                        if (source.getSecret() != null) {
                            var from = source.getSecret();
                            references.add(new Reference(from.getName(), from.getOptional(), keys(from.getItems())));
                        }
                    }
                }
            }
            return references;
        }
    },

    CLAIM {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var volume : orEmpty(template.spec().getVolumes())) {
                    var claim = volume.getPersistentVolumeClaim();
                    if (claim != null
                            && manifests.find(V1PersistentVolumeClaim.class, claim.getClaimName())
                                    .isEmpty()) {
                        complaints.add(
                                template,
                                "volume %s uses PersistentVolumeClaim %s, which is not there: add it, or mend claimName",
                                volume.getName(),
                                claim.getClaimName());
                    }
                }
            }
        }
    },

    SERVICE_ACCOUNT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var name = Objects.requireNonNullElse(template.spec().getServiceAccountName(), "default");
                // Every namespace has the one of that name.
                if (!name.equals("default")
                        && manifests.find(V1ServiceAccount.class, name).isEmpty()) {
                    complaints.add(
                            template,
                            "runs as ServiceAccount %s, which is not there: add it, or mend serviceAccountName",
                            name);
                }
            }
        }
    },

    /** The control plane deletes a token Secret whose ServiceAccount is not there. */
    SERVICE_ACCOUNT_TOKEN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var secret : manifests.all(V1Secret.class)) {
                var name = String.valueOf(orEmpty(secret.getMetadata().getAnnotations())
                        .get("kubernetes.io/service-account.name"));
                if (SERVICE_ACCOUNT_TOKEN_TYPE.equals(secret.getType())
                        && manifests.find(V1ServiceAccount.class, name).isEmpty()) {
                    complaints.add(
                            secret,
                            "is the token of ServiceAccount %s, which is not there: add it, or mend the annotation kubernetes.io/service-account.name",
                            name);
                }
            }
        }
    },

    VOLUME_MOUNT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var volumes = volumes(template);
                for (var container : template.containers()) {
                    for (var mount : orEmpty(container.getVolumeMounts())) {
                        if (!volumes.contains(mount.getName())) {
                            complaints.add(
                                    template,
                                    "container %s mounts volume %s, which is not there: add it to the pod's volumes, or mend the mount's name",
                                    container.getName(),
                                    mount.getName());
                        }
                    }
                }
            }
        }
    },

    UNUSED_VOLUME {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var unused = volumes(template);
                template.containers().stream()
                        .flatMap(container -> orEmpty(container.getVolumeMounts()).stream())
                        .map(V1VolumeMount::getName)
                        .forEach(unused::remove);
                for (var volume : unused) {
                    complaints.add(template, "no container mounts volume %s: mount or remove it", volume);
                }
            }
        }
    },

    /** Gives each pod of a StatefulSet its name in the DNS. */
    STATEFUL_SET_SERVICE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var statefulSet : manifests.all(V1StatefulSet.class)) {
                var name = statefulSet.getSpec().getServiceName();
                if (name != null && manifests.find(V1Service.class, name).isEmpty()) {
                    complaints.add(
                            statefulSet, "names Service %s, which is not there: add it, or mend serviceName", name);
                }
            }
        }
    },

    SCALE_TARGET {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var autoscaler : manifests.all(V2HorizontalPodAutoscaler.class)) {
                var target = autoscaler.getSpec().getScaleTargetRef();
                if (manifests.objects().stream()
                        .noneMatch(object -> object.getKind().equals(target.getKind())
                                && object.getApiVersion().equals(target.getApiVersion())
                                && nameOf(object).equals(target.getName()))) {
                    complaints.add(
                            autoscaler,
                            "scales %s %s/%s, which is not there: mend scaleTargetRef",
                            target.getApiVersion(),
                            target.getKind(),
                            target.getName());
                }
            }
        }
    };

    private static final String SERVICE_ACCOUNT_TOKEN_TYPE = "kubernetes.io/service-account-token";

    /** What a pod needs of a ConfigMap or a Secret: all of it, or some keys. */
    private record Reference(String name, boolean optional, List<String> keys) {
        Reference(String name, Boolean optional, List<String> keys) {
            this(name, Boolean.TRUE.equals(optional), keys);
        }
    }

    /** @param keys the keys of the object that is referred to; null when it is not there */
    private static void check(
            PodTemplate template, String kind, Reference reference, Set<String> keys, Complaints complaints) {
        if (reference.optional()) {
            return;
        }
        if (keys == null) {
            complaints.add(
                    template, "needs %s %s, which is not there: add it, or mend the name", kind, reference.name());
            return;
        }
        for (var key : reference.keys()) {
            if (!keys.contains(key)) {
                complaints.add(
                        template,
                        "needs key %s of %s %s, which has only %s: mend the key",
                        key,
                        kind,
                        reference.name(),
                        keys.stream().sorted().toList());
            }
        }
    }

    private static List<String> keys(List<V1KeyToPath> items) {
        return orEmpty(items).stream().map(V1KeyToPath::getKey).toList();
    }

    private static Set<String> keys(V1ConfigMap configMap) {
        return union(
                orEmpty(configMap.getData()).keySet(),
                orEmpty(configMap.getBinaryData()).keySet());
    }

    private static Set<String> keys(V1Secret secret) {
        return SERVICE_ACCOUNT_TOKEN_TYPE.equals(secret.getType())
                ? Set.of("token", "ca.crt", "namespace")
                : union(
                        orEmpty(secret.getData()).keySet(),
                        orEmpty(secret.getStringData()).keySet());
    }

    private static Set<String> union(Set<String> some, Set<String> others) {
        return Stream.concat(some.stream(), others.stream()).collect(Collectors.toSet());
    }

    private static Set<String> volumes(PodTemplate template) {
        return Stream.concat(
                        orEmpty(template.spec().getVolumes()).stream().map(V1Volume::getName),
                        template.claims().stream()
                                .map(V1PersistentVolumeClaim::getMetadata)
                                .map(V1ObjectMeta::getName))
                .collect(Collectors.toCollection(HashSet::new));
    }
}
