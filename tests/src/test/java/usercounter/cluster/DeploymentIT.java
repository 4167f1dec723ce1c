package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The deployed application as its users and its operators meet it. */
@Order(1)
@ExtendWith(Deployed.class)
class DeploymentIT {

    @Test
    void theTutorialsSession() {
        String user = Cluster.url("/users/session-" + System.nanoTime());

        assertThat(Http.get(user).body()).isEqualTo("0");
        assertThat(Http.post(user).body()).isEqualTo("1");
        assertThat(Http.post(user).body()).isEqualTo("2");
        assertThat(Http.post(user).body()).isEqualTo("3");
        assertThat(Http.get(user).body()).isEqualTo("3");
        assertThat(Http.get(user + "-other").body()).isEqualTo("0");
    }

    @Test
    void theTutorialsHeaders() {
        HttpResponse<String> answer = Http.get(Cluster.url("/healthz"));

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo("✓");
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/plain; charset=UTF-8");
        assertThat(answer.headers().firstValue("Content-Length")).contains("3");
        assertThat(answer.headers().firstValue("Server")).contains("nginx");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/",
                "/users",
                "/metrics",
                "/health",
                "/health/ready",
                "/openapi",
                "/openapi/ui/",
                "/ibm/api/",
                "//metrics",
                "/users/../metrics",
                "/users/..;/metrics",
                "/users/%2e%2e/metrics",
                "/users/%2e%2e%2fmetrics",
                "/healthz/../metrics",
                "/healthz/x",
            })
    void nothingButUsersAndHealthzGetsThrough(String path) {
        HttpResponse<String> answer = Http.get(Cluster.url(path));

        assertThat(answer.statusCode()).isBetween(400, 404);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    }

    @Test
    void theBackendsErrorsPassAndNginxHasItsOwn() {
        assertProblem(Http.get(Cluster.url("/users/a%20b")), 400);
        assertProblem(Http.get(Cluster.url("/users/a%00")), 400);
        assertProblem(Http.get(Cluster.url("/users/" + "x".repeat(129))), 400);
        assertProblem(Http.get(Cluster.url("/users/" + "x".repeat(20_000))), 414);
        assertProblem(Http.post(Cluster.url("/users/large"), "x".repeat(20_000)), 413);
        assertThat(Http.post(Cluster.url("/healthz")).headers().firstValue("Allow"))
                .isPresent();
    }

    private static void assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("\"status\":" + status).doesNotContain("<");
    }

    @Test
    void logsAreLinesOfJson() {
        String path = "/users/log-" + System.nanoTime();
        Http.post(Cluster.url(path));

        Cluster.await(
                "the request in a frontend's log",
                Duration.ofSeconds(30),
                () -> Cluster.kubectl("logs", "--selector=app.kubernetes.io/name=frontend", "--tail=50")
                        .lines()
                        .anyMatch(line -> line.startsWith("{")
                                && line.contains("\"uri\":\"" + path + "\"")
                                && line.contains("\"upstream_response_time\":\"0.")));
        assertThat(Cluster.kubectl("logs", "deployment/backend")
                        .lines()
                        .filter(line -> line.contains("liberty_message")))
                .isNotEmpty()
                .allMatch(line -> line.startsWith("{") && line.endsWith("}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"frontend", "backend", "redis"})
    void aPodCanDoNoMoreThanItHasTo(String name) {
        String pod = "pod/" + Cluster.pods(name).get(0).getMetadata().getName();

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

    @Test
    void aPodThatBreaksRestrictedIsRefused() {
        Shell.Result result =
                Cluster.tryKubectl("run", "root", "--image=docker.io/library/busybox:stable", "--privileged");

        assertThat(result.exitCode()).isNotZero();
        assertThat(result.output()).contains("violates PodSecurity \"restricted");
    }

    @Test
    void redisHasAPasswordThatIsKeptAndSyncsEveryWrite() {
        String token = Cluster.kubectl("get", "secret", "redis-password", "-o", "jsonpath={.data.token}");
        Shell.run("kubectl", "apply", "-k", "overlays/minikube");

        assertThat(token).hasSizeGreaterThan(100);
        assertThat(Cluster.kubectl("get", "secret", "redis-password", "-o", "jsonpath={.data.token}"))
                .isEqualTo(token);
        assertThat(Cluster.kubectl("get", "configmaps,deployments,statefulsets", "-o", "yaml"))
                .doesNotContain(token);
        assertThat(Cluster.kubectl("exec", "redis-0", "--", "redis-cli", "ping"))
                .contains("NOAUTH");
        assertThat(redis("config get 'append*'"))
                .containsSubsequence("appendonly", "yes")
                .containsSubsequence("appendfsync", "always");
    }

    private static List<String> redis(String command) {
        return Cluster.kubectl(
                        "exec",
                        "redis-0",
                        "--",
                        "sh",
                        "-c",
                        "REDISCLI_AUTH=$(cat /run/secrets/redis/password) redis-cli " + command)
                .lines()
                .toList();
    }
}
