package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Pod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Repository;

/** {@code components/managed-redis} with a Redis in another namespace, with TLS, its own authority and a password. */
@Order(3)
@ExtendWith(Deployed.class)
class ManagedRedisIT {

    private static final String ELSEWHERE = "user-counter-managed-redis";
    private static final int PORT = 6378;
    private static final String PASSWORD = "a password";

    /** Redis waits for its files, since its certificate contains the address of the pod. The image is that of base/. */
    private static final String REDIS = """
            apiVersion: v1
            kind: Pod
            metadata: {name: redis, namespace: %s}
            spec:
              automountServiceAccountToken: false
              terminationGracePeriodSeconds: 0
              containers:
                - name: redis
                  image: %s
                  command: [sh, -c, "until [ -e /data/redis.conf ]; do sleep 1; done; exec redis-server /data/redis.conf"]
                  readinessProbe: {tcpSocket: {port: %d}, periodSeconds: 1}
                  resources: {requests: {cpu: 100m}} # without, it gets almost nothing while backends start
                  volumeMounts: [{name: data, mountPath: /data}]
              volumes: [{name: data, emptyDir: {}}]
            """;

    private static final String CONFIGURATION = """
            dir /data
            port 0
            tls-port %d
            tls-cert-file /data/tls.pem
            tls-key-file /data/tls.pem
            tls-auth-clients no
            requirepass "%s"
            appendonly yes
            appendfsync always
            """.formatted(PORT, PASSWORD);

    private static final int REQUESTS = 1_000;

    private static Counts counts;
    private static CertificateAuthority authority;

    @BeforeAll
    static void takeTheComponent(@TempDir Path folder) throws IOException, GeneralSecurityException {
        counts = new Counts();
        authority = new CertificateAuthority(folder);
        String address = startRedis(folder);

        Path checkout = Files.createDirectory(folder.resolve("checkout"));
        Repository.copyTo(checkout);
        Files.writeString(checkout.resolve("password"), PASSWORD);
        Files.writeString(checkout.resolve("ca.crt"), authority.certificate());
        Path file = checkout.resolve("tests/overlays/managed-redis/managed-redis.yaml");
        Files.writeString(
                file, Files.readString(file).replaceFirst("address: .*", "address: %s:%d".formatted(address, PORT)));
        Documentation.run(
                "components/managed-redis/README.md", "Use", "cd '%s'; OVERLAY=managed-redis".formatted(checkout));
    }

    private static String startRedis(Path folder) throws IOException, GeneralSecurityException {
        Shell.run("kubectl", "create", "namespace", ELSEWHERE);
        String image = Cluster.kubectl(
                "get", "statefulset/redis", "--output=jsonpath={.spec.template.spec.containers[0].image}");
        Path pod = Files.writeString(folder.resolve("pod.yaml"), REDIS.formatted(ELSEWHERE, image, PORT));
        Shell.run("kubectl", "apply", "--filename=" + pod);
        elsewhere("wait", "--for=jsonpath={.status.phase}=Running", "pod/redis", "--timeout=2m");
        String address = elsewhere("get", "pod/redis", "--output=jsonpath={.status.podIP}");
        writeData("tls.pem", authority.keyAndCertificate(address));
        writeData("redis.conf", CONFIGURATION);
        elsewhere("wait", "--for=condition=Ready", "pod/redis", "--timeout=2m");
        return address;
    }

    private static void writeData(String file, String text) {
        elsewhere("exec", "redis", "--", "sh", "-c", "printf %s \"$1\" >/data/new; mv /data/new /data/$0", file, text);
    }

    private static String elsewhere(String... arguments) {
        return Shell.run(Stream.concat(Stream.of("kubectl", "--namespace=" + ELSEWHERE), Stream.of(arguments))
                .toArray(String[]::new));
    }

    @Test
    void everyIncrementIsCountedOnceThoughItIsKilled() {
        ExactlyOnce.during(
                "SIGKILL of a managed Redis with TLS", () -> Cluster.killContainer(Cluster.pod(ELSEWHERE, "redis")));
    }

    @Test
    void anotherPasswordIsRefused() throws IOException, GeneralSecurityException {
        assertRefused("another password", authority, "WRONGPASS");
    }

    @Test
    void anotherAuthorityIsNotTrusted(@TempDir Path folder) throws IOException, GeneralSecurityException {
        assertRefused(PASSWORD, new CertificateAuthority(folder), "does not chain with any of the trust anchors");
    }

    private static void assertRefused(String password, CertificateAuthority authority, String reason)
            throws IOException, GeneralSecurityException {
        Cluster.kubectl(
                "create",
                "secret",
                "generic",
                "mistake",
                "--from-literal=password=" + password,
                "--from-literal=ca.crt=" + authority.certificate());
        try {
            assertMistakeIsReported(
                    reason,
                    pod -> assertThat(Cluster.kubectl(
                                    "exec", name(pod), "--", "bash", "-c", """
                            exec 3<>/dev/tcp/127.0.0.1/1323
                            printf 'POST %s HTTP/1.0\\r\\n\\r\\n' >&3
                            cat <&3""".formatted(Resource.newPath())))
                            .startsWith("HTTP/1.0 503 "));
        } finally {
            Cluster.kubectl("delete", "secret", "mistake");
        }
    }

    @Test
    void aMissingSecretIsReported() {
        assertMistakeIsReported("REDIS_PASSWORD_FILE", pod -> {});
    }

    /** A new pod logs one line with the reason and gets no requests. The old pods continue to serve. */
    private static void assertMistakeIsReported(String reason, Consumer<V1Pod> check) {
        Load.during("a managed Redis, and a new pod with " + reason, REQUESTS, () -> {
            List<String> old = backends().map(ManagedRedisIT::name).toList();
            Cluster.kubectl("patch", "deployment/backend", """
                    -p{"spec":{"template":{"spec":{"volumes":[{"name":"redis-password","secret":{"secretName":"mistake"}}]}}}}""");
            try {
                Supplier<Optional<V1Pod>> pod =
                        () -> backends().filter(any -> !old.contains(name(any))).findFirst();
                Cluster.await(
                        "new pod with the log line: " + reason,
                        Duration.ofMinutes(3),
                        () -> pod.get()
                                .filter(told -> !lines(told, reason).isEmpty())
                                .isPresent());
                V1Pod refused = pod.get().orElseThrow();
                check.accept(refused);
                assertThat(Cluster.isReady(refused)).isFalse();
                assertThat(lines(refused, reason))
                        .singleElement()
                        .asString()
                        .as("log line without stack trace")
                        .doesNotContain("\\tat ");
            } finally {
                Cluster.kubectl("rollout", "undo", "deployment/backend");
                Cluster.awaitRollouts();
            }
        });
    }

    private static Stream<V1Pod> backends() {
        return Cluster.pods("backend").stream();
    }

    private static String name(V1Pod pod) {
        return pod.getMetadata().getName();
    }

    /** Lines of the log of the pod's container, or of its previous run. */
    private static List<String> lines(V1Pod pod, String text) {
        return Stream.of("--previous=false", "--previous=true")
                .map(which -> Cluster.tryKubectl("logs", name(pod), which)
                        .output()
                        .lines()
                        .filter(line -> line.contains(text))
                        .toList())
                .filter(Predicate.not(List::isEmpty))
                .findFirst()
                .orElse(List.of());
    }

    /** The Redis of base/ was never deleted. */
    @AfterAll
    static void takeTheBaseAgain() {
        Shell.run("kubectl", "apply", "-k", "tests/overlays/minikube");
        Cluster.awaitRollouts();
        Cluster.awaitTermination();
        Shell.run("kubectl", "delete", "namespace", ELSEWHERE);
        Cluster.kubectl("delete", "secret", "managed-redis");
        counts.assertKept();
    }
}
