package usercounter.manifests;

import static usercounter.manifests.Manifests.concat;
import static usercounter.manifests.Manifests.orEmpty;

import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The numbers stay where they are, on a disk. */
enum DataRule implements Rule {
    /** Redis's settings, wherever they are: in its ConfigMap, or in the command of its container. */
    DURABLE_SETTINGS {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            forEachRedis(manifests, (template, redis) -> {
                var found = new TreeMap<String, String>();
                texts(manifests, template, redis)
                        .forEach(text -> SETTING.matcher(text)
                                .results()
                                .forEach(setting -> found.merge(
                                        setting.group(1).toLowerCase(Locale.ROOT),
                                        setting.group(2),
                                        (one, other) -> one.equals(other) ? one : one + " and " + other)));
                DURABLE.forEach((name, durable) -> {
                    var actual = found.getOrDefault(name, DEFAULTS.get(name));
                    if (!durable.equals(actual)) {
                        complaints.add(
                                template,
                                "Redis has %s %s, and would lose numbers: set it to %s",
                                name,
                                actual,
                                durable);
                    }
                });
            });
        }

        private static Stream<String> texts(Manifests manifests, PodTemplate template, V1Container redis) {
            var files = orEmpty(redis.getVolumeMounts()).stream()
                    .flatMap(mount -> volume(template, mount).stream())
                    .filter(volume -> volume.getConfigMap() != null)
                    .flatMap(volume -> manifests
                            .find(V1ConfigMap.class, volume.getConfigMap().getName())
                            .stream())
                    .flatMap(configMap -> orEmpty(configMap.getData()).values().stream());
            return Stream.concat(files, Stream.of(String.join(" ", concat(redis.getCommand(), redis.getArgs()))));
        }

        private static final Map<String, String> DURABLE = new TreeMap<>(Map.of(
                "appendonly", "yes",
                "appendfsync", "always",
                "no-appendfsync-on-rewrite", "no",
                "maxmemory-policy", "noeviction",
                "dir", "/data",
                "appenddirname", "appendonlydir",
                "appendfilename", "appendonly.aof"));

        /** Those of Redis. */
        private static final Map<String, String> DEFAULTS = Map.of(
                "appendonly", "no",
                "appendfsync", "everysec",
                "no-appendfsync-on-rewrite", "no",
                "maxmemory-policy", "noeviction",
                "dir", "./",
                "appenddirname", "appendonlydir",
                "appendfilename", "appendonly.aof");

        /** At the start of a line, or as an argument. */
        private static final Pattern SETTING = Pattern.compile(
                "(?im)(?:^\\s*|--)(%s)[ \\t]+[\"']?([^\\s\"']+)".formatted(String.join("|", DURABLE.keySet())));
    },

    /** Another claim, or another place for it, is an empty disk: every number would begin at 0. */
    DATA_FOLDER {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            forEachRedis(manifests, (template, redis) -> {
                var isThere = orEmpty(redis.getVolumeMounts()).stream()
                        .filter(mount -> mount.getMountPath().equals("/data") && mount.getSubPath() == null)
                        .anyMatch(mount -> isClaim(template, mount));
                if (!isThere) {
                    complaints.add(
                            template,
                            "Redis has not the claim with the numbers at /data: mount volume data there, from claim"
                                    + " redis-data or from the claim template data");
                }
            });
        }

        private static boolean isClaim(PodTemplate template, V1VolumeMount mount) {
            return template.claims().stream()
                            .anyMatch(claim -> Manifests.nameOf(claim).equals("data")
                                    && mount.getName().equals("data"))
                    || volume(template, mount)
                            .filter(volume -> volume.getPersistentVolumeClaim() != null
                                    && volume.getPersistentVolumeClaim()
                                            .getClaimName()
                                            .equals("redis-data"))
                            .isPresent();
        }
    },

    /** The Redis of this repository tells whether it is durable. */
    DURABILITY_CHECKED {
        @Override
        public void check(Manifests manifests, Complaints complaints) {
            if (manifests.podTemplates().stream()
                    .flatMap(DataRule::redis)
                    .findAny()
                    .isEmpty()) {
                return; // a managed Redis
            }
            for (var configMap : manifests.all(V1ConfigMap.class)) {
                if (!"checked".equals(orEmpty(configMap.getData()).getOrDefault("REDIS_DURABILITY", "checked"))) {
                    complaints.add(
                            configMap,
                            "lets the backend acknowledge increments that Redis may lose: leave REDIS_DURABILITY out");
                }
            }
        }
    };

    private static void forEachRedis(Manifests manifests, BiConsumer<PodTemplate, V1Container> action) {
        manifests
                .podTemplates()
                .forEach(template -> redis(template).forEach(container -> action.accept(template, container)));
    }

    private static Stream<V1Container> redis(PodTemplate template) {
        return template.spec().getContainers().stream()
                .filter(container -> container.getName().equals("redis")
                        && "redis".equals(template.labels().get("app.kubernetes.io/name")));
    }

    private static Optional<V1Volume> volume(PodTemplate template, V1VolumeMount mount) {
        return orEmpty(template.spec().getVolumes()).stream()
                .filter(volume -> volume.getName().equals(mount.getName()))
                .findFirst();
    }
}
