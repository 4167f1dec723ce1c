package usercounter.manifests;

import static usercounter.manifests.Manifests.concat;
import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1Secret;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** What this project asks for on top of {@link PodSecurityRule}. */
enum SecurityRule implements Rule {
    /** Then the API server itself refuses what breaks the rules of {@link PodSecurityRule}. */
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

    /** A user of the node, which has low numbers, must not own a container's files and processes. */
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

    /** No pod talks to the API server. */
    NO_API_TOKEN {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var template : manifests.podTemplates()) {
                if (!Boolean.FALSE.equals(template.spec().getAutomountServiceAccountToken())) {
                    complaints.add(
                            template, "gets a token for the API server: set automountServiceAccountToken to false");
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
                            "has its data in Git: leave data and stringData out, and let the cluster make them");
                }
            }
        }
    },

    /** The complaint does not repeat the secret: it would be in the log of CI then. */
    NO_SECRET_IN_VALUE {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            for (var configMap : manifests.all(V1ConfigMap.class)) {
                orEmpty(configMap.getData()).forEach((key, value) -> {
                    if (isSecret(key, value)) {
                        complaints.add(configMap, "%s looks like a secret: " + MEND, key);
                    }
                });
            }
            manifests.forEachContainer((template, container) -> {
                for (var variable : orEmpty(container.getEnv())) {
                    if (isSecret(variable.getName(), Objects.requireNonNullElse(variable.getValue(), ""))) {
                        complaints.add(
                                template,
                                "variable %s of container %s looks like a secret: " + MEND,
                                variable.getName(),
                                container.getName());
                    }
                }
                var commandLine = String.join(" ", concat(container.getCommand(), container.getArgs()));
                if (containsSecret(commandLine)) {
                    complaints.add(
                            template,
                            "the command of container %s has what looks like a secret: " + MEND,
                            container.getName());
                }
            });
        }

        private static final String MEND = "mount it as a file from a Secret without data";

        /** NAME=value for a name like that, except when the value is the path of a file with the secret. */
        private static boolean isSecret(String name, String value) {
            return SECRET_NAME.matcher(name).find() && !value.isEmpty() && !value.startsWith("/")
                    || containsSecret(value);
        }

        private static boolean containsSecret(String text) {
            return SECRETS.stream().anyMatch(secret -> secret.test(text));
        }

        private static final Pattern SECRET_NAME =
                Pattern.compile("(?i)passw(or)?d|passphrase|secret|token|credential|(private|api|access).?key");

        /** In arguments and files; "$…" stands for what is not written there. */
        private static final List<Predicate<String>> SECRETS = List.of(
                find("-----BEGIN [A-Z ]*PRIVATE KEY-----"),
                // a JSON web token; tokens of GitHub; keys of AWS; a user's password in a URL
                find("\\beyJ[\\w-]{8,}\\.eyJ[\\w-]{8,}\\."),
                find("\\b(gh[pousr]_\\w{36}|github_pat_\\w{22})"),
                find("\\bAKIA[0-9A-Z]{16}\\b"),
                find("://[^\\s/:@]*:[^\\s/@$]+@"),
                // those of redis.conf; --password x, password=x, "password": "x"
                find("(?im)^\\s*(requirepass|masterauth)\\s+[^\\s$]"),
                find("(?i)--?(requirepass|masterauth|password|pass|token|secret)[ =][^\\s$-]"),
                find(
                        "(?i)\\b\\w*(passw(or)?d|passphrase|secret|token|(api|access)[_-]?key)[\"']?\\s*[:=]\\s*[\"']?[^\\s\"'$/]"));

        private static Predicate<String> find(String regex) {
            return Pattern.compile(regex).asPredicate();
        }
    },

    /** An image without a tag, or with latest, is another one every day. */
    IMAGE_PINNED {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            manifests.forEachContainer((template, container) -> {
                if (!PINNED.matcher(String.valueOf(container.getImage())).matches()) {
                    complaints.add(
                            template,
                            "container %s runs image %s, which may change: give it a tag other than latest, or a digest",
                            container.getName(),
                            container.getImage());
                }
            });
        }

        private static final Pattern PINNED =
                Pattern.compile(".+@sha256:[0-9a-f]{64}|(.*/)?[^/:@]+:(?!latest$)[\\w][\\w.-]*");
    };
}
