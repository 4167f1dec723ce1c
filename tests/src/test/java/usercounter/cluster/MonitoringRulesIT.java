package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import usercounter.Programs;
import usercounter.manifests.MonitoringTest;

/** The rules of components/monitoring, by promtool. The cluster is not used, but CI builds promtool together with it. */
@Order(4)
class MonitoringRulesIT {

    /** Copies beside the rules, since promtool looks for the rules there. */
    private static final List<String> TESTS = new ArrayList<>();

    @TempDir
    static Path folder;

    @BeforeAll
    static void writeRules() throws IOException, InterruptedException {
        if ("true".equals(System.getenv("CI"))) {
            Cluster.await("promtool, which CI builds", Duration.ofMinutes(15), () -> Programs.isInstalled("promtool"));
        }
        assumeThat(Programs.isInstalled("promtool")).as("promtool on the PATH").isTrue();

        Files.writeString(folder.resolve("rules.yaml"), MonitoringTest.groups().toString());
        try (var tests = Files.list(MonitoringTest.TESTS)) {
            for (var test : tests.toList()) {
                TESTS.add(Files.copy(test, folder.resolve(test.getFileName())).toString());
            }
        }
    }

    @Test
    void areValid() {
        Shell.run("promtool", "check", "rules", "--lint=all", folder + "/rules.yaml");
    }

    @Test
    void passTheirTests() {
        List<String> command = new ArrayList<>(List.of("promtool", "test", "rules"));
        command.addAll(TESTS);
        assertThat(command).hasSizeGreaterThan(3);
        Shell.run(command.toArray(String[]::new));
    }
}
