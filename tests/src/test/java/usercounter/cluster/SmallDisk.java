package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import usercounter.Repository;

/** A disk of Redis that a test can fill: see small-disk.yaml. */
final class SmallDisk {

    private SmallDisk() {}

    /** Gives the disk to Redis. It is empty, so the backends refuse it until a person accepts it. */
    static void use() {
        Cluster.kubectl("patch", "statefulset/redis", "--patch=" + patch());
        Cluster.kubectl("rollout", "status", "statefulset/redis", "--timeout=5m");
        Cluster.await(
                "data that the backends refuse",
                Duration.ofMinutes(1),
                () -> Cluster.redisCli("get service:data").startsWith("lost:"));
        assertThat(Http.post(Cluster.url(Resource.newPath())).statusCode()).isEqualTo(503);
        Documentation.run("docs/runbooks.md", "UserCounterRedisUnsafe");
        Cluster.awaitRollouts();
    }

    private static String patch() {
        try {
            return Files.readString(Path.of("src/test/resources/small-disk.yaml"))
                    .replace("image: user-counter", "image: " + Repository.image());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void fill() {
        run("dd if=/dev/zero of=/data/filling bs=64k || true");
    }

    static void free() {
        run("rm /data/filling");
    }

    private static void run(String command) {
        Cluster.kubectl("exec", "redis-0", "--container=disk", "--", "sh", "-c", command);
    }
}
