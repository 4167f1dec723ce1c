package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1Pod;
import jakarta.json.Json;
import java.io.IOException;
import java.io.StringReader;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.Repository;

/** The deployed application from the view of its users and operators. */
@Order(1)
@ExtendWith(Deployed.class)
class DeploymentIT {

    @Test
    void theDocumentedCommandsEndInAnAnswer(Deployed.Deployment deployment) {
        assertThat(deployment.output()).contains("✓").matches("(?s).*[1-9][0-9]*");
    }

    @Test
    void theResponseHeadersOfTheTutorial() {
        assertThat(Http.raw("/healthz"))
                .startsWith("HTTP/1.1 200 OK\r\n")
                .contains(
                        "\r\nServer: nginx\r\n",
                        "\r\nContent-Type: text/plain; charset=UTF-8\r\n",
                        "\r\nContent-Length: 3\r\n")
                .endsWith("\r\n\r\n✓");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/metrics", "/health/ready", "/docs/../metrics", "/healthz/../metrics", "/healthz/x"})
    void noOtherPathIsPassedOn(String path) {
        assertProblem(Http.get(Cluster.url(path)), 404);
    }

    @Test
    void errorsOfNginxAreProblemDocuments() {
        assertProblem(Http.get(Cluster.url("/" + "x".repeat(20_000))), 414);
        assertProblem(Http.post(Cluster.url(Resource.newPath()), "x".repeat(20_000)), 413);
        assertThat(Http.post(Cluster.url("/healthz")).headers().firstValue("Allow"))
                .isPresent();
    }

    static void assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("\"status\":" + status).doesNotContain("<");
    }

    @Test
    void logsAreLinesOfJson() {
        String path = Resource.newPath();
        Http.post(Cluster.url(path));

        Cluster.await(
                "log line of the request in the frontend",
                Duration.ofSeconds(30),
                () -> Cluster.kubectl("logs", "--selector=app.kubernetes.io/name=frontend", "--tail=50")
                        .lines()
                        .filter(line -> line.contains(path))
                        .map(line -> Json.createReader(new StringReader(line)).readObject())
                        .anyMatch(line -> line.getString("uri").equals(path)
                                && line.getString("remote_addr").matches("[0-9.]+")
                                && line.getInt("status") == 200
                                && line.getString("upstream_response_time").matches("\\d+\\.\\d+")));
        for (V1Pod pod : Cluster.pods("backend")) {
            // The first line of Liberty's launcher is always empty.
            assertThat(Cluster.kubectl("logs", pod.getMetadata().getName())
                            .lines()
                            .filter(line -> !line.isBlank()))
                    .isNotEmpty()
                    .allSatisfy(
                            line -> Json.createReader(new StringReader(line)).readObject());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "backend", "redis"})
    void aPodHasOnlyTheRightsItNeeds(String name) {
        String pod = pod(name);

        assertThat(Cluster.kubectl("exec", pod, "--", "sh", "-c", "cat /proc/self/status"))
                .containsPattern("Uid:\\s+10001\\s+10001")
                .containsPattern("Gid:\\s+10001\\s+10001")
                .containsPattern("CapEff:\\s+0+\\n")
                .containsPattern("NoNewPrivs:\\s+1")
                .containsPattern("Seccomp:\\s+2");
        assertThat(Cluster.tryKubectl("exec", pod, "--", "sh", "-c", "echo > /file")
                        .output())
                .contains("Read-only file system");
        assertThat(Cluster.tryKubectl("exec", pod, "--", "ls", "/var/run/secrets/kubernetes.io")
                        .exitCode())
                .isNotZero();
        assertThat(Cluster.kubectl("exec", pod, "--", "sh", "-c", "cat /proc/1/environ | tr '\\0' '\\n'"))
                .doesNotContain("APP_PORT=", "REDIS_PORT=", "NGINX_PORT=");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{privileged: true}",
                "{allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, runAsNonRoot: true, runAsUser: 0}",
                "{allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 10001}",
            })
    void aPodThatBreaksRestrictedIsRefused(String securityContext, @TempDir Path folder) throws IOException {
        Path pod = Files.writeString(folder.resolve("pod.yaml"), """
                apiVersion: v1
                kind: Pod
                metadata: {name: refused}
                spec:
                  securityContext: {seccompProfile: {type: RuntimeDefault}}
                  containers:
                    - {name: refused, image: "%s:dev", securityContext: %s}
                """.formatted(Repository.image(), securityContext));

        Shell.Result result = Cluster.tryKubectl("create", "-f", pod.toString());

        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output()).contains("violates PodSecurity \"restricted");
    }

    @Test
    void passwordsAreKeptAndSeenNowhere() {
        String token = Cluster.redisToken();
        List<String> secrets = List.of(token, decoded(token), password("backend"), password("redis"));
        assertThat(secrets)
                .doesNotHaveDuplicates()
                .allSatisfy(secret -> assertThat(secret).hasSizeGreaterThanOrEqualTo(64));

        Shell.run("kubectl", "apply", "-k", "tests/overlays/minikube");

        assertThat(Cluster.redisToken()).isEqualTo(token);
        assertThat(Cluster.kubectl("get", "configmaps,deployments,statefulsets,pods", "-o", "yaml"))
                .doesNotContain(secrets);
        for (String name : List.of("frontend", "backend", "redis")) {
            assertThat(inPod(name, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline"))
                    .as("environment variables and arguments in %s, without the passwords", name)
                    .contains("PATH=")
                    .doesNotContain(secrets);
        }
    }

    @Test
    void noRunningContainerHasWhatTheApiServerAccepts() {
        String token = decoded(Cluster.redisToken());
        assertThat(whoAmI(token).output()).contains("system:serviceaccount:" + Cluster.NAMESPACE + ":redis");

        for (String name : List.of("backend", "redis")) {
            assertThat(inPod(name, "cat /run/secrets/*/* /run/secrets/*/*/* 2>/dev/null || true"))
                    .as("secrets in " + name)
                    .contains(password(name))
                    .doesNotContain(token);
            assertThat(whoAmI(password(name)).exitCode()).isNotZero();
            assertThat(whoAmI(password(name)).output()).contains("Unauthorized");
        }
    }

    /** Asks the API server whose token this is. */
    private static Shell.Result whoAmI(String token) {
        String server =
                Shell.run("kubectl", "config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}");
        return Shell.attempt(
                "kubectl",
                "--kubeconfig=/dev/null",
                "--insecure-skip-tls-verify",
                "--server=" + server,
                "--token=" + token,
                "auth",
                "whoami");
    }

    @Test
    void theBackendsRedisUserMayDoNothingElse() {
        List<String> forbidden = List.of(
                "flushall",
                "config set maxmemory 1",
                "acl list",
                "client list",
                "keys *",
                "del user:a",
                "get other",
                "eval 'return redis.call(\"flushall\")' 0");
        String login = "export REDISCLI_AUTH=%s; ".formatted(password("backend"));
        String cli = "redis-cli --user backend ";

        assertThat(inPod("redis", login + cli + "incr user:acl")).containsPattern("^[1-9]");
        assertThat(inPod("redis", login + cli + String.join("; " + cli, forbidden))
                        .lines()
                        .filter(line -> !line.isBlank()))
                .hasSameSizeAs(forbidden)
                .allSatisfy(answer -> assertThat(answer).containsAnyOf("NOPERM", "has no permissions"));
        assertThat(inPod("redis", login + cli + "config get '*'"))
                .contains("appendfsync")
                .doesNotContain(password("redis"), password("backend"));
    }

    @Test
    void redisAsksForAPasswordAndSyncsEveryWrite() {
        assertThat(inPod("redis", "redis-cli ping")).contains("NOAUTH");
        assertThat(Cluster.redisCli("config get 'append*'").lines())
                .containsSubsequence("appendonly", "yes")
                .containsSubsequence("appendfsync", "always");
    }

    private static String decoded(String token) {
        return new String(Base64.getDecoder().decode(token), StandardCharsets.US_ASCII);
    }

    private static String password(String name) {
        return inPod(name, "cat /run/secrets/redis/password").strip();
    }

    private static String inPod(String name, String command) {
        return Cluster.kubectl("exec", pod(name), "--", "sh", "-c", command);
    }

    private static String pod(String name) {
        return "pod/" + Cluster.pods(name).get(0).getMetadata().getName();
    }
}
