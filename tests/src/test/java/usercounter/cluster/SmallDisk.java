package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import usercounter.Repository;

/** A disk of Redis that a test can fill: see small-disk.yaml. */
final class SmallDisk {

    private SmallDisk() {}

    /** A patch of Redis's StatefulSet. */
    static String patch() {
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
