package usercounter.manifests;

import static usercounter.manifests.Manifests.orEmpty;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1ObjectMeta;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1SecretVolumeSource;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Every object that another object refers to exists. */
enum ReferenceRule implements Rule {
    CONFIG_MAP {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            checkReferences(manifests, "ConfigMap", complaints);
        }
    },

    SECRET {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            checkReferences(manifests, "Secret", complaints);
        }
    },

    CLAIM {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                for (var volume : orEmpty(template.spec().getVolumes())) {
                    var claim = volume.getPersistentVolumeClaim();
                    if (claim != null
                            && manifests
                                    .find(V1PersistentVolumeClaim.class, claim.getClaimName())
                                    .isEmpty()) {
                        complaints.add(
                                template,
                                "volume %s uses PersistentVolumeClaim %s, which is not there: add it, or fix claimName",
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
                // Every namespace has the ServiceAccount default.
                if (!name.equals("default")
                        && manifests.find(V1ServiceAccount.class, name).isEmpty()) {
                    complaints.add(
                            template,
                            "runs as ServiceAccount %s, which is not there: add it, or fix serviceAccountName",
                            name);
                }
            }
        }
    },

    /** The control plane deletes a token Secret without its ServiceAccount. */
    SERVICE_ACCOUNT_TOKEN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var secret : manifests.all(V1Secret.class)) {
                var name = String.valueOf(
                        orEmpty(secret.getMetadata().getAnnotations()).get("kubernetes.io/service-account.name"));
                if (SERVICE_ACCOUNT_TOKEN_TYPE.equals(secret.getType())
                        && manifests.find(V1ServiceAccount.class, name).isEmpty()) {
                    complaints.add(
                            secret,
                            "is the token of ServiceAccount %s, which is not there: add it, or fix the annotation kubernetes.io/service-account.name",
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
                                    "container %s mounts volume %s, which is not there: add it to the pod's volumes, or fix the mount's name",
                                    container.getName(),
                                    mount.getName());
                        }
                    }
                }
            }
        }
    },

    /** Without the group of the pod, a new disk and a Secret belong to root alone. */
    VOLUME_GROUP {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                var needsGroup = !template.claims().isEmpty()
                        || orEmpty(template.spec().getVolumes()).stream()
                                .anyMatch(volume -> volume.getPersistentVolumeClaim() != null
                                        || volume.getSecret() != null && isForGroup(volume.getSecret()));
                if (needsGroup && PodSecurityRule.context(template).getFsGroup() == null) {
                    complaints.add(
                            template,
                            "cannot use its disk or its Secret: set fsGroup of securityContext to the value of runAsGroup");
                }
            }
        }

        private static boolean isForGroup(V1SecretVolumeSource secret) {
            var everyone = 4;
            return secret.getDefaultMode() != null && (secret.getDefaultMode() & everyone) == 0;
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

    /** The Service that gives each pod of a StatefulSet a DNS name. */
    STATEFUL_SET_SERVICE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var statefulSet : manifests.all(V1StatefulSet.class)) {
                var name = statefulSet.getSpec().getServiceName();
                if (name != null && manifests.find(V1Service.class, name).isEmpty()) {
                    complaints.add(
                            statefulSet, "names Service %s, which is not there: add it, or fix serviceName", name);
                }
            }
        }
    },

    SCALE_TARGET {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var autoscaler : manifests.autoscalers()) {
                if (manifests.objects().stream().noneMatch(autoscaler::scales)) {
                    complaints.add(
                            autoscaler.object(),
                            "scales %s %s/%s, which is not there: fix scaleTargetRef",
                            autoscaler.apiVersion(),
                            autoscaler.kind(),
                            autoscaler.name());
                }
            }
        }
    };

    static final String SERVICE_ACCOUNT_TOKEN_TYPE = "kubernetes.io/service-account-token";

    /** The fields of a pod, at any depth, that refer to these kinds. */
    private static final Map<String, String> REFERENCES = Map.of(
            "configMap", "ConfigMap",
            "configMapRef", "ConfigMap",
            "configMapKeyRef", "ConfigMap",
            "secret", "Secret",
            "secretRef", "Secret",
            "secretKeyRef", "Secret",
            "imagePullSecrets", "Secret");

    /** A reference of a pod to a ConfigMap or Secret: to all of it, or to these keys. */
    private record Reference(String kind, String name, List<String> keys) {

        static Reference of(String kind, JsonObject reference) {
            var name = reference.has("secretName") ? reference.get("secretName") : reference.get("name");
            var keys = new ArrayList<String>();
            if (reference.has("key")) {
                keys.add(reference.get("key").getAsString());
            }
            if (reference.get("items") instanceof JsonArray items) {
                items.forEach(item -> keys.add(item.getAsJsonObject().get("key").getAsString()));
            }
            return new Reference(kind, name.getAsString(), keys);
        }
    }

    private static void references(JsonElement value, String field, List<Reference> found) {
        if (value instanceof JsonArray items) {
            items.forEach(item -> references(item, field, found));
        } else if (value instanceof JsonObject object) {
            var kind = REFERENCES.get(field);
            if (kind == null) {
                object.entrySet().forEach(entry -> references(entry.getValue(), entry.getKey(), found));
            } else if (!object.has("optional") || !object.get("optional").getAsBoolean()) {
                found.add(Reference.of(kind, object));
            }
        }
    }

    private static void checkReferences(Manifests manifests, String kind, Complaints complaints) {
        for (var template : manifests.podTemplates()) {
            var references = new ArrayList<Reference>();
            references(JSON.getGson().toJsonTree(template.spec()), "spec", references);
            for (var reference : references) {
                if (reference.kind().equals(kind)) {
                    checkReference(manifests, template, reference, complaints);
                }
            }
        }
    }

    private static void checkReference(
            Manifests manifests, PodTemplate template, Reference reference, Complaints complaints) {
        var kind = reference.kind();
        var name = reference.name();
        var keys = kind.equals("Secret")
                ? manifests.find(V1Secret.class, name).map(ReferenceRule::keys)
                : manifests.find(V1ConfigMap.class, name).map(ReferenceRule::keys);
        if (keys.isEmpty()) {
            complaints.add(template, "needs %s %s, which is not there: add it, or fix the name", kind, name);
            return;
        }
        for (var key : reference.keys()) {
            if (!keys.get().contains(key)) {
                complaints.add(
                        template,
                        "needs key %s of %s %s, which has only %s: fix the key",
                        key,
                        kind,
                        name,
                        keys.get().stream().sorted().toList());
            }
        }
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
