package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** components/backup: snapshots, and restores after the loss of the numbers in Redis. */
@Order(3)
@ExtendWith(Deployed.class)
class BackupIT {

    /** Ways to damage the file of a snapshot. */
    private static final List<String> DAMAGES = List.of(
            "printf XXXXXXXX | dd of=\"$file\" bs=1 seek=60 conv=notrunc",
            "head -c 60 \"$file\" >\"$file.cut\"; mv \"$file.cut\" \"$file\"",
            ": >\"$file\"");

    private final String user = Cluster.url(Resource.newPath());

    @BeforeAll
    static void addTheComponent() {
        Backups.install("tests/overlays/backup");
        // Otherwise Redis waits 5 seconds before each snapshot for further clients that need one.
        Cluster.redisCli("config set repl-diskless-sync-delay 0");
    }

    @AfterAll
    static void removeTheComponent() {
        Backups.remove();
    }

    @AfterEach
    void settle() {
        Cluster.awaitRollouts();
    }

    @Test
    void afterALossTheNumbersAreThoseOfASnapshot() {
        Counts counts = new Counts();
        assertThat(Http.postWithKey(user, "before").body()).isEqualTo("1");
        String older = Backups.takeSnapshot();
        int keys = Integer.parseInt(Cluster.redisCli("dbsize"));
        assertThat(Http.postWithKey(user, "between").body()).isEqualTo("2");
        Backups.takeSnapshot();
        assertThat(Http.post(user).body()).isEqualTo("3");

        Cluster.redisCli("flushall");
        Documentation.run("components/backup/README.md", "When Redis's data is lost");
        assertThat(Http.postWithKey(user, "lost").statusCode())
                .as("after the loss")
                .isEqualTo(503);

        // With this delay, the rewrite of Redis's append-only file takes longer than the Job, if the Job does not wait.
        Cluster.redisCli("config set rdb-key-save-delay " + 5_000_000 / keys);
        restore(older);
        assertThat(Http.get(user).body()).isEqualTo("1");
        assertThat(Http.postWithKey(user, "before").body()).isEqualTo("1");
        assertThat(Http.postWithKey(user, "between").body()).isEqualTo("2");
        assertThat(Http.postWithKey(user, "after").body()).isEqualTo("3");
        counts.assertKept();

        Cluster.deletePods("redis-0", "--force", "--grace-period=0");
        Cluster.awaitRollouts();
        counts.assertKept();
        assertThat(Http.get(user).body()).as("after a restart").isEqualTo("3");

        restore("");
        assertThat(Http.get(user).body()).as("by the newest snapshot").isEqualTo("2");
        counts.assertKept();
    }

    @Test
    void theNewestSnapshotsAreKept() {
        String first = Backups.takeSnapshot();
        String second = Backups.snapshot(Backups.succeed(Backups.REDIS_CLI, "KEEP=2"));
        String third = Backups.snapshot(Backups.succeed(Backups.REDIS_CLI, "KEEP=2"));

        assertThat(first).isLessThan(second);
        assertThat(Backups.snapshots()).containsExactly(second, third);
    }

    @Test
    void aBackupThatFailsDeletesNothing() {
        Backups.takeSnapshot();
        List<String> before = Backups.snapshots();

        for (String damage : DAMAGES) {
            String log = Backups.fail(damaging(damage), "KEEP=1");
            assertThat(log).as(damage).contains("Transfer finished", ".rdb.partial is damaged: Redis cannot load it");
        }
        for (String keep : List.of("0", "all")) {
            assertThat(Backups.fail(Backups.REDIS_CLI, "KEEP=" + keep)).contains("backup: KEEP is '" + keep + "'");
        }

        assertThat(Backups.snapshots()).isEqualTo(before);
    }

    /** Old snapshots are deleted to make room, but never the last one. */
    @Test
    void aFullDiskKeepsTheNewestSnapshots() {
        String log = Backups.runOnSmallDisk("""
                cd /backup
                backup() {
                  status=0
                  sh /scripts/backup.sh || status=$?
                  REDISCLI_AUTH=$(cat /run/secrets/redis/password) redis-cli shutdown nosave
                  return $status
                }
                fill() {
                  dd if=/dev/zero of="$1" bs=64k || true
                }

                backup
                mv ./*.rdb 20200103T000000Z.rdb
                mkdir 20200101T000000Z.rdb
                fill 20200101T000000Z.rdb/half.rdb
                truncate -s 8M 20200101T000000Z.rdb/half.rdb
                fill 20200102T000000Z.rdb
                backup
                echo "with room: $(echo *.rdb)"

                rm -r 2020*
                fill filling
                if backup; then exit 1; fi
                echo "without: $(echo *.rdb)"
                rm filling
                backup
                """);
        assertThat(log)
                .contains("the disk is full: deleting 20200101T000000Z.rdb, the oldest snapshot")
                .containsPattern("with room: 20200102T000000Z.rdb 20200103T000000Z.rdb 20\\w+.rdb\n")
                .contains("the disk is full, and there is no old snapshot to delete")
                .containsPattern("without: 20\\w+.rdb\n")
                .containsPattern("all snapshots: 20\\w+.rdb 20\\w+.rdb(\n|$)");
    }

    @Test
    void aDeletedRestoreLeavesRedisServing() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("test $(wc -l <test/calls) -lt 10");
        Cluster.kubectl("delete", "job", "restore", "--cascade=foreground");

        assertThat(Http.post(user).body()).isIn("2", "3");
    }

    @Test
    void aKilledRestoreIsRunAgain() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("true");
        Cluster.deletePods("--selector=job-name=restore", "--force", "--grace-period=0");
        assertThat(Http.post(user).statusCode()).isEqualTo(503);
        // Not by a GET: while Redis is a replica, the backends get not ready.
        String key = Resource.key(user.substring(user.lastIndexOf('/') + 1));
        assertThat(Cluster.redisCli("get '%s'".formatted(key))).isIn("1", "2");

        restoreAgain();
    }

    @Test
    void aRestoreFailsWhenRedisRestartsAndCanBeRunAgain() {
        takeSnapshotBetweenTwoCounts();

        startRestoreUnanswered("! test -e test/restarted");
        Cluster.killContainer(Cluster.pods("redis").get(0));
        Cluster.kubectl("exec", "job/restore", "--", "touch", "/backup/test/restarted");
        Cluster.kubectl("wait", "--for=condition=Failed", "job/restore", "--timeout=2m");
        assertThat(Cluster.kubectl("logs", "job/restore")).contains("Redis restarted during the restore");

        restoreAgain();
    }

    private void takeSnapshotBetweenTwoCounts() {
        assertThat(Http.post(user).body()).isEqualTo("1");
        Backups.takeSnapshot();
        assertThat(Http.post(user).body()).isEqualTo("2");
    }

    /** Restores after a restore that did not complete. The increment after the snapshot is gone then. */
    private void restoreAgain() {
        Cluster.kubectl("delete", "job", "restore");
        restore("");
        assertThat(Http.post(user).body()).isEqualTo("2");
    }

    private void restore(String snapshot) {
        Backups.restore(snapshot);
        Http.untilAnswered(() -> Http.get(user));
    }

    /** Starts a restore, and waits until Redis is a replica. While the condition is true, the Job cannot read that. */
    private void startRestoreUnanswered(String condition) {
        Backups.start("restore", """
                case "$*" in
                  *"info replication persistence"*)
                    echo >>test/calls
                    if %s; then exit 1; fi
                    ;;
                esac
                exec redis-cli "$@"
                """.formatted(condition), "TASK=restore");
        Cluster.await(
                "answer 503 to a POST, since Redis is a replica",
                Duration.ofMinutes(1),
                () -> Http.post(user).statusCode() == 503);
    }

    /** A redis-cli that damages the file of a snapshot after writing it. */
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
}
