package usercounter.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;
import usercounter.manifests.Combination;
import usercounter.manifests.Kustomize;

/** The API server accepts every overlay with every combination of components. Nothing is deployed. */
@Order(6)
class ServerDryRunIT {

    /** A separate namespace, so that the objects do not exist yet. */
    private static final String NAMESPACE = "user-counter-dry-run";

    @TempDir
    private static Path repository;

    @BeforeAll
    static void createNamespace() {
        if ("true".equals(System.getenv("CI"))) {
            Monitoring.awaitInstallation();
        }
        Repository.copyTo(repository);
        deleteNamespace();
        Shell.run("kubectl", "create", "namespace", NAMESPACE, "--save-config");
        Shell.run("kubectl", "label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted");
    }

    @AfterAll
    static void deleteNamespace() {
        Shell.run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found");
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possible")
    void isTaken(Combination combination) throws Exception {
        var overlay = combination.write(repository, "namespace: " + NAMESPACE);
        var manifests = Files.writeString(repository.resolve("manifests.yaml"), Kustomize.KUBECTL.build(overlay));

        var result = Shell.attempt("kubectl", "apply", "--dry-run=server", "-f", manifests.toString());
        if (!"true".equals(System.getenv("CI"))) {
            assumeThat(result.output()).as("kinds of the components").doesNotContain("no matches for kind");
        }

        assertThat(result.exitCode()).as(result.output()).isZero();
        assertThat(result.output()).contains("deployment.apps/backend created").doesNotContain("Warning");
    }
}
