package usercounter.manifests;

import static usercounter.manifests.Manifests.concat;
import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1EnvVar;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1Volume;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** The rules of this project in addition to {@link PodSecurityRule}. */
enum SecurityRule implements Rule {
    /** With this label, the API server rejects pods that break {@link PodSecurityRule}. */
    RESTRICTED_NAMESPACE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var namespace : manifests.all(V1Namespace.class)) {
                for (var mode : List.of("enforce", "warn", "audit")) {
                    var label = "pod-security.kubernetes.io/" + mode;
                    if (!"restricted"
                            .equals(orEmpty(namespace.getMetadata().getLabels()).get(label))) {
                        complaints.add(namespace, "does not %s Pod Security: label it %s: restricted", mode, label);
                    }
                }
            }
        }
    },

    READ_ONLY_ROOT {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                if (!Boolean.TRUE.equals(PodSecurityRule.context(container).getReadOnlyRootFilesystem())) {
                    complaints.add(
                            template,
                            "container %s can write to its image: set readOnlyRootFilesystem to true, and mount an emptyDir where it has to write",
                            container.getName());
                }
            });
        }
    },

    /** Users of the node have low ids. They must not own files and processes of a container. */
    HIGH_IDS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                var pod = PodSecurityRule.context(template);
                var own = PodSecurityRule.context(container);
                check(template, container.getName(), "runAsUser", own.getRunAsUser(), pod.getRunAsUser(), complaints);
                check(
                        template,
                        container.getName(),
                        "runAsGroup",
                        own.getRunAsGroup(),
                        pod.getRunAsGroup(),
                        complaints);
            });
        }

        private void check(
                PodTemplate template, String container, String field, Long own, Long pods, Complaints complaints) {
            long id = Objects.requireNonNullElse(own, Objects.requireNonNullElse(pods, 0L));
            if (id < 10_000) {
                complaints.add(template, "container %s has %s %d: set it to 10000 or higher", container, field, id);
            }
        }
    },

    /** No pod needs the API server. */
    NO_API_TOKEN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            var tokens = manifests.all(V1Secret.class).stream()
                    .filter(secret -> ReferenceRule.SERVICE_ACCOUNT_TOKEN_TYPE.equals(secret.getType()))
                    .map(secret -> secret.getMetadata().getName())
                    .toList();
            for (var template : manifests.podTemplates()) {
                for (var container : template.servingContainers()) {
                    if (!container.getName().equals("password") && hasToken(template, container, tokens)) {
                        complaints.add(
                                template,
                                "container %s has a token for the API server: give it to the container password only",
                                container.getName());
                    }
                }
                if (!Boolean.FALSE.equals(template.spec().getAutomountServiceAccountToken())) {
                    complaints.add(template, AUTOMOUNT);
                }
                for (var volume : orEmpty(template.spec().getVolumes())) {
                    if (volume.getProjected() != null
                            && orEmpty(volume.getProjected().getSources()).stream()
                                    .anyMatch(source -> source.getServiceAccountToken() != null)) {
                        complaints.add(
                                template,
                                "volume %s has a token for the API server: leave serviceAccountToken out",
                                volume.getName());
                    }
                }
            }
            for (var account : manifests.all(V1ServiceAccount.class)) {
                if (!Boolean.FALSE.equals(account.getAutomountServiceAccountToken())) {
                    complaints.add(account, AUTOMOUNT);
                }
            }
        }

        private static boolean hasToken(PodTemplate template, V1Container container, List<String> tokens) {
            var volumes = orEmpty(template.spec().getVolumes()).stream()
                    .filter(volume -> volume.getSecret() != null
                            && tokens.contains(volume.getSecret().getSecretName()))
                    .map(V1Volume::getName)
                    .toList();
            return orEmpty(container.getVolumeMounts()).stream().anyMatch(mount -> volumes.contains(mount.getName()))
                    || orEmpty(container.getEnv()).stream()
                            .map(V1EnvVar::getValueFrom)
                            .anyMatch(source -> source != null
                                    && source.getSecretKeyRef() != null
                                    && tokens.contains(source.getSecretKeyRef().getName()));
        }

        private static final String AUTOMOUNT =
                "gives pods a token for the API server: set automountServiceAccountToken to false";
    },

    /** No ServiceAccount has rights. */
    NO_RBAC {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var object : manifests.objects()) {
                if (object.getApiVersion().startsWith("rbac.authorization.k8s.io/")) {
                    complaints.add(object, "gives rights at the API server, which no pod needs: leave it out");
                }
            }
        }
    },

    /** A variable such as REDIS_PORT=tcp://… would override a setting of that name. */
    NO_SERVICE_LINKS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (!Boolean.FALSE.equals(template.spec().getEnableServiceLinks())) {
                    complaints.add(template, "gets a variable for every Service: set enableServiceLinks to false");
                }
            }
        }
    },

    SECRET_WITHOUT_DATA {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var secret : manifests.all(V1Secret.class)) {
                if (!orEmpty(secret.getData()).isEmpty()
                        || !orEmpty(secret.getStringData()).isEmpty()) {
                    complaints.add(
                            secret,
                            "contains data, which must not be in Git: leave data and stringData out, and let the cluster generate them");
                }
            }
        }
    },

    /** The complaint does not contain the secret, since the log of CI shows the complaint. */
    NO_SECRET_IN_VALUE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var configMap : manifests.all(V1ConfigMap.class)) {
                orEmpty(configMap.getData()).forEach((key, value) -> {
                    if (isSecret(key, value)) {
                        complaints.add(configMap, "%s looks like a secret: " + FIX, key);
                    }
                });
            }
            manifests.forEachContainer((template, container) -> {
                for (var variable : orEmpty(container.getEnv())) {
                    if (isSecret(variable.getName(), Objects.requireNonNullElse(variable.getValue(), ""))) {
                        complaints.add(
                                template,
                                "variable %s of container %s looks like a secret: " + FIX,
                                variable.getName(),
                                container.getName());
                    }
                }
                var commandLine = String.join(" ", concat(container.getCommand(), container.getArgs()));
                if (containsSecret(commandLine)) {
                    complaints.add(
                            template,
                            "the command of container %s has what looks like a secret: " + FIX,
                            container.getName());
                }
            });
        }

        private static final String FIX = "mount it as a file from a Secret without data";

        /** NAME=value where the name suggests a secret, except if the value is the path of a file. */
        private static boolean isSecret(String name, String value) {
            return SECRET_NAME.matcher(name).find() && !value.isEmpty() && !value.startsWith("/")
                    || containsSecret(value);
        }

        private static boolean containsSecret(String text) {
            return SECRETS.stream().anyMatch(secret -> secret.test(text));
        }

        private static final Pattern SECRET_NAME =
                Pattern.compile("(?i)passw(or)?d|passphrase|secret|token|credential|(private|api|access).?key");

        /** Secrets in arguments and files. A "$…" is a reference, not a secret. */
        private static final List<Predicate<String>> SECRETS = List.of(
                find("-----BEGIN [A-Z ]*PRIVATE KEY-----"),
                // a JSON web token; tokens of GitHub; keys of AWS; a user's password in a URL
                find("\\beyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}\\."),
                find("\\b(gh[pousr]_\\w{36}|github_pat_\\w{22})"),
                find("\\bAKIA[0-9A-Z]{16}\\b"),
                find("://[^\\s/:@]*:[^\\s/@$]+@"),
                // passwords in redis.conf; --password x, password=x, "password": "x"
                find("(?im)^\\s*(requirepass|masterauth)\\s+[^\\s$]"),
                find("(?i)--?(requirepass|masterauth|password|pass|token|secret)[ =][^\\s$-]"),
                find(
                        "(?i)\\b\\w*(passw(or)?d|passphrase|secret|token|(api|access)[_-]?key)[\"']?\\s*[:=]\\s*[\"']?[^\\s\"'$/]"));

        private static Predicate<String> find(String regex) {
            return Pattern.compile(regex).asPredicate();
        }
    },

    /** A tag that is not a full version may change. {@code dev} is the image that was built here. */
    IMAGE_PINNED {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                var image = String.valueOf(container.getImage());
                var isBuiltHere =
                        "backend".equals(template.labels().get("app.kubernetes.io/name")) && image.endsWith(":dev");
                if (!isBuiltHere && !PINNED.matcher(image).matches()) {
                    complaints.add(
                            template,
                            "container %s runs image %s, which may change: give it a tag that begins with a full version such as 1.2.3, or a digest",
                            container.getName(),
                            image);
                }
            });
        }

        private static final Pattern PINNED =
                Pattern.compile(".+@sha256:[0-9a-f]{64}|(.*/)?[^/:@]+:v?\\d+\\.\\d+\\.\\d+([.-][\\w.-]+)?");
    };
}
