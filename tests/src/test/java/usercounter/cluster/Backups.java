package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonPatchBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code components/backup}: the commands of its README, and Jobs of its CronJob with a modified redis-cli. */
final class Backups {

    /** The unmodified redis-cli, for a Job. */
    static final String REDIS_CLI = "exec redis-cli \"$@\"";

    private Backups() {}

    /** Applies an overlay that uses the component. */
    static void install(String overlay) {
        Shell.run("kubectl", "apply", "-k", overlay);
        // Otherwise a scheduled snapshot might become the newest one during a test.
        Cluster.kubectl("patch", "cronjob", "backup", "--patch={\"spec\":{\"suspend\":true}}");
    }

    /** Removes the component and its snapshots. */
    static void remove() {
        Cluster.kubectl("delete", "-k", "components/backup/objects");
    }

    /** Takes a snapshot of a single Redis with the commands of the documentation. */
    static String takeSnapshot() {
        return snapshot(Documentation.run("components/backup/README.md", "Use"));
    }

    /** Restores a snapshot, or the newest one if the name is empty, with the commands of the documentation. */
    static void restore(String snapshot) {
        Documentation.run("components/backup/README.md", "Restore", "SNAPSHOT=" + snapshot);
    }

    /** The name of the snapshot in the log of a Job. */
    static String snapshot(String log) {
        return find("backup: (\\S+) has \\d+ keys", log);
    }

    /** The names of all snapshots, from the error message of a restore of a missing one. */
    static List<String> snapshots() {
        String log = fail(REDIS_CLI, "TASK=restore", "SNAPSHOT=none.rdb");
        return List.of(find("there is no snapshot none.rdb: set SNAPSHOT to one of (.*)", log)
                .split(" "));
    }

    private static String find(String regex, String text) {
        Matcher matcher = Pattern.compile(regex).matcher(text);
        assertThat(matcher.find())
                .as("'%s' occurs in the log:%n%s", regex, text)
                .isTrue();
        return matcher.group(1);
    }

    /** Runs a Job with a given redis-cli and environment, and returns its log. Fails if the Job fails. */
    static String succeed(String redisCli, String... environment) {
        start("test", redisCli, environment);
        return awaitEnd("Complete");
    }

    /** Like {@link #succeed}, but the Job must fail. */
    static String fail(String redisCli, String... environment) {
        start("test", redisCli, environment);
        return awaitEnd("Failed");
    }

    /** Runs a script instead of that of the component, with a small disk in memory, and returns its log. */
    static String runOnSmallDisk(String script) {
        create(
                "test",
                script,
                Json.createPatchBuilder()
                        .replace(
                                "/spec/template/spec/volumes/4",
                                Json.createObjectBuilder()
                                        .add("name", "snapshots")
                                        .add(
                                                "emptyDir",
                                                Json.createObjectBuilder()
                                                        .add("medium", "Memory")
                                                        .add("sizeLimit", "16Mi"))
                                        .build()));
        return awaitEnd("Complete");
    }

    /** Starts a Job with a given redis-cli and environment. */
    static void start(String name, String redisCli, String... environment) {
        create(name, """
                rm -rf /backup/test
                mkdir /backup/test
                cat >/backup/test/redis-cli <<'EOF'
                #!/bin/sh
                PATH=${PATH#*:}
                %s
                EOF
                chmod +x /backup/test/redis-cli
                PATH=/backup/test:$PATH exec sh "/scripts/$TASK.sh"
                """.formatted(redisCli), Json.createPatchBuilder(), environment);
    }

    private static void create(String name, String script, JsonPatchBuilder patch, String... environment) {
        String all = patch.replace(
                        "/spec/template/spec/containers/0/command",
                        Json.createArrayBuilder(List.of("sh", "-euc", script)).build())
                .build()
                .toString();
        List<String> command =
                new ArrayList<>(List.of("bash", "-euo", "pipefail", "-c", """
                kubectl -n "$0" create job "$1" --from=cronjob/backup --dry-run=client -o yaml |
                  kubectl patch --local -f - --type=json --patch="$2" -o yaml |
                  kubectl set env --local -f - "${@:3}" -o yaml | kubectl create -f -""", Cluster.NAMESPACE, name, all));
        // 'kubectl set env' prints an object only if it changes the object.
        command.addAll(environment.length == 0 ? List.of("SNAPSHOT=") : List.of(environment));
        Shell.run(command.toArray(String[]::new));
    }

    private static String awaitEnd(String end) {
        Cluster.await(
                "condition Complete or Failed of job/test",
                Duration.ofMinutes(2),
                () -> conditions().matches("(?s).*(Complete|Failed).*"));
        String log = Cluster.kubectl("logs", "job/test");
        assertThat(conditions()).as(log).contains(end);
        Cluster.kubectl("delete", "job", "test");
        return log;
    }

    private static String conditions() {
        return Cluster.kubectl("get", "job", "test", "-o", "jsonpath={.status.conditions[*].type}");
    }
}
