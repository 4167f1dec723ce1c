package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** components/backup: snapshots that load, and the numbers of one of them after Redis's own are gone. */
@Order(3)
@ExtendWith(Deployed.class)
class BackupIT {

    /** A redis-cli for a Job: the real one. */
    private static final String REDIS_CLI = "exec redis-cli \"$@\"";

    /** What may happen to a snapshot on its way to the disk. */
    private static final List<String> DAMAGES = List.of(
            "printf XXXXXXXX | dd of=\"$file\" bs=1 seek=60 conv=notrunc",
            "head -c 60 \"$file\" >\"$file.cut\"; mv \"$file.cut\" \"$file\"",
            ": >\"$file\"");

    private final String user = Cluster.url("/users/backup-" + UUID.randomUUID());

    @BeforeAll
    static void addTheComponent() {
        Shell.run("kubectl", "apply", "-k", "tests/overlays/backup");
        // Else a snapshot on schedule might become the newest in the middle of a test.
        Cluster.kubectl("patch", "cronjob", "backup", "--patch={\"spec\":{\"suspend\":true}}");
        // Else Redis waits 5 seconds before each snapshot, for others that may want the same one.
        Cluster.redisCli("config set repl-diskless-sync-delay 0");
    }

    @AfterAll
    static void removeTheComponent() {
        Shell.run("kubectl", "delete", "-k", "components/backup/objects");
    }

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
    }

    @Test
    void afterALossTheNumbersAreThoseOfASnapshot() {
        Counts counts = new Counts();
        assertThat(Http.postWithKey(user, "before").body()).isEqualTo("1");
        String older = takeSnapshot();
        int keys = Integer.parseInt(Cluster.redisCli("dbsize"));
        assertThat(Http.postWithKey(user, "between").body()).isEqualTo("2");
        takeSnapshot();
        assertThat(Http.post(user).body()).isEqualTo("3");

        Cluster.redisCli("flushall");
        Readme.run("components/backup", "When Redis's data is lost", "");
        assertThat(Http.untilAnswered(() -> Http.postWithKey(user, "lost")))
                .as("after the loss")
                .isEqualTo("1");

        // So slow is the rewrite of Redis's file then that it would end long after the Job, if that did not wait for
        // it.
        Cluster.redisCli("config set rdb-key-save-delay " + 5_000_000 / keys);
        restore(older);
        assertThat(Http.get(user).body()).isEqualTo("1");
        assertThat(Http.postWithKey(user, "before").body()).isEqualTo("1");
        assertThat(Http.postWithKey(user, "between").body()).isEqualTo("2");
        assertThat(Http.postWithKey(user, "after").body()).isEqualTo("3");
        counts.assertKept();

        Cluster.kubectl("delete", "pod", "redis-0", "--force", "--grace-period=0");
        Cluster.awaitRollouts();
        counts.assertKept();
        assertThat(Http.get(user).body()).as("after a restart").isEqualTo("3");

        restore("");
        assertThat(Http.get(user).body()).as("by the newest snapshot").isEqualTo("2");
        counts.assertKept();
    }

    @Test
    void theNewestSnapshotsAreKept() {
        String first = takeSnapshot();
        String second = snapshot(succeed("KEEP=2"));
        String third = snapshot(succeed("KEEP=2"));

        assertThat(first).isLessThan(second);
        assertThat(snapshots()).containsExactly(second, third);
    }

    @Test
    void aBackupThatFailsDeletesNothing() {
        takeSnapshot();
        List<String> before = snapshots();

        for (String damage : DAMAGES) {
            String log = fail(damaging(damage), "KEEP=1");
            assertThat(log).as(damage).contains("Transfer finished", ".rdb.partial is damaged: no Redis loads it");
        }
        for (String keep : List.of("0", "all")) {
            assertThat(fail(REDIS_CLI, "KEEP=" + keep)).contains("backup: KEEP is '" + keep + "'");
        }

        assertThat(snapshots()).isEqualTo(before);
    }

    @Test
    void aRestoreThatIsDeletedLeavesRedisAtWork() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("test $(wc -l <test/calls) -lt 10");
        Cluster.kubectl("delete", "job", "restore", "--cascade=foreground");

        assertThat(Http.post(user).body()).isIn("2", "3");
    }

    @Test
    void aRestoreThatIsKilledIsRunAgain() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("true");
        Cluster.kubectl("delete", "pods", "--selector=job-name=restore", "--force", "--grace-period=0");
        assertThat(Http.post(user).statusCode()).isEqualTo(503);
        assertThat(Http.get(user).body()).isIn("1", "2");

        restoreOnceMore();
    }

    @Test
    void aRestoreDuringWhichRedisRestartsSaysSoAndIsRunAgain() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("! test -e test/restarted");
        Cluster.killContainer(Cluster.pods("redis").get(0));
        Cluster.kubectl("exec", "job/restore", "--", "touch", "/backup/test/restarted");
        Cluster.kubectl("wait", "--for=condition=Failed", "job/restore", "--timeout=2m");
        assertThat(Cluster.kubectl("logs", "job/restore")).contains("Redis has started anew meanwhile");

        restoreOnceMore();
    }

    private void takeSnapshotBetweenTwoCounts() {
        assertThat(Http.post(user).body()).isEqualTo("1");
        takeSnapshot();
        assertThat(Http.post(user).body()).isEqualTo("2");
    }

    /** After a restore that came to no end; the count after the snapshot is taken back. */
    private void restoreOnceMore() {
        Cluster.kubectl("delete", "job", "restore");
        restore("");
        assertThat(Http.post(user).body()).isEqualTo("2");
    }

    /** By the README's commands; returns its name. */
    private static String takeSnapshot() {
        return snapshot(Readme.run("components/backup", "Backup and restore", ""));
    }

    /** By the README's commands: this one, or without a name the newest. */
    private void restore(String snapshot) {
        Readme.run("components/backup", "Restore", "SNAPSHOT=" + snapshot);
        Http.untilAnswered(() -> Http.get(user));
    }

    /** Starts a restore and waits until Redis is a replica, which it tells the Job only when the condition is not met. */
    private void startRestoreUnanswered(String condition) {
        start("restore", """
                case "$*" in
                  *"info replication persistence"*)
                    echo >>test/calls
                    if %s; then exit 1; fi
                    ;;
                esac
                exec redis-cli "$@"
                """.formatted(condition), "TASK=restore");
        Cluster.await(
                "Redis that does not write",
                Duration.ofMinutes(1),
                () -> Http.post(user).statusCode() == 503);
    }

    /** A redis-cli that does something to the file of a snapshot after it has written it. */
    private static String damaging(String damage) {
        return """
                redis-cli "$@" || exit
                case "$*" in
                  *--rdb*)
                    for file; do :; done
                    %s
                    ;;
                esac
                """.formatted(damage);
    }

    /** All that there are, as a restore of one that is not there says. */
    private static List<String> snapshots() {
        String log = fail(REDIS_CLI, "TASK=restore", "SNAPSHOT=none.rdb");
        return List.of(
                find("there is no snapshot none.rdb: there are (.*)", log).split(" "));
    }

    private static String snapshot(String log) {
        return find("backup: (\\S+) has \\d+ keys", log);
    }

    private static String find(String regex, String text) {
        Matcher matcher = Pattern.compile(regex).matcher(text);
        assertThat(matcher.find()).as(regex + " in " + text).isTrue();
        return matcher.group(1);
    }

    private static String succeed(String... environment) {
        return run("Complete", REDIS_CLI, environment);
    }

    private static String fail(String redisCli, String... environment) {
        return run("Failed", redisCli, environment);
    }

    /** Runs a Job that has to end so, and returns its log. */
    private static String run(String end, String redisCli, String... environment) {
        start("test", redisCli, environment);
        Cluster.await(
                "the end of the Job", Duration.ofMinutes(2), () -> conditions().matches("(?s).*(Complete|Failed).*"));
        String log = Cluster.kubectl("logs", "job/test");
        assertThat(conditions()).as(log).contains(end);
        Cluster.kubectl("delete", "job", "test");
        return log;
    }

    private static String conditions() {
        return Cluster.kubectl("get", "job", "test", "-o", "jsonpath={.status.conditions[*].type}");
    }

    /** Starts a Job of the CronJob with a redis-cli and an environment of one's own. */
    private static void start(String name, String redisCli, String... environment) {
        String script = """
                rm -rf /backup/test
                mkdir /backup/test
                cat >/backup/test/redis-cli <<'EOF'
                #!/bin/sh
                PATH=${PATH#*:}
                %s
                EOF
                chmod +x /backup/test/redis-cli
                PATH=/backup/test:$PATH exec sh "/scripts/$TASK.sh"
                """.formatted(redisCli);
        String patch = Json.createPatchBuilder()
                .replace(
                        "/spec/template/spec/containers/0/command",
                        Json.createArrayBuilder(List.of("sh", "-euc", script)).build())
                .build()
                .toString();
        List<String> command = new ArrayList<>(List.of("bash", "-euo", "pipefail", "-c", """
                kubectl -n user-counter create job "$0" --from=cronjob/backup --dry-run=client -o yaml |
                  kubectl patch --local -f - --type=json --patch="$1" -o yaml |
                  kubectl set env --local -f - "${@:2}" -o yaml | kubectl create -f -""", name, patch));
        command.addAll(List.of(environment));
        Shell.run(command.toArray(String[]::new));
    }
}
