package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The passwords in the pods. */
final class Passwords {

    /** The backend's delay, its look every ten seconds, and more for a busy machine. */
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    private Passwords() {}

    /** Rotates them as docs/operate.md says. Ends when every pod has its new password. Meanwhile no request fails. */
    static void rotate(String overlay) {
        String user = Cluster.url(Resource.newPath());
        Set<String> old = inPods().collect(Collectors.toSet());

        Documentation.run("docs/operate.md", "Rotate the password", "OVERLAY=" + overlay);
        Cluster.await(
                "a new token",
                Duration.ofMinutes(1),
                () -> !Cluster.redisToken().isEmpty());
        // The kubelet renews the files of a Secret within a minute and a half, and at once when the pod changes.
        Cluster.kubectl("annotate", "pods", "--all", "rotated=" + System.nanoTime());

        Cluster.await("new passwords", PATIENCE, () -> {
            assertThat(Http.post(user).statusCode()).isEqualTo(200);
            return inPods().noneMatch(old::contains);
        });
    }

    private static Stream<String> inPods() {
        return Stream.of("redis", "backend")
                .flatMap(name -> Cluster.pods(name).stream())
                .map(pod -> pod.getMetadata().getName())
                .map(pod -> Cluster.kubectl(
                        "exec", pod, "--container=password", "--", "cat", "/run/secrets/redis/password"));
    }
}
