package usercounter.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Deploys the application with the commands of the documentation, and again after a test that has removed it. Prints the
 * state of the cluster when a test fails, and the measurements at the end of the run.
 */
final class Deployed
        implements BeforeAllCallback, ParameterResolver, LifecycleMethodExecutionExceptionHandler, TestWatcher {

    /** What the commands of the documentation have printed in this run of Maven. */
    private static final Path OUTPUT = Path.of("target", "deploy-" + System.getProperty("run", "") + ".log");

    /** @param output the output of the commands */
    record Deployment(String output) implements AutoCloseable {

        @Override
        public void close() {
            Load.printMeasurements();
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        try {
            deployment(context);
            Shell.run("kubectl", "apply", "-k", "tests/overlays/minikube");
            Cluster.awaitRollouts();
        } catch (AssertionError | RuntimeException e) {
            printState();
            throw e;
        }
    }

    /** The root store closes it after the last class of this JVM. */
    private static Deployment deployment(ExtensionContext context) {
        return context.getRoot()
                .getStore(Namespace.create(Deployed.class))
                .computeIfAbsent(Deployment.class, any -> new Deployment(firstDeployment()), Deployment.class);
    }

    /** The first JVM of a run of Maven builds the image. The others find it on the nodes. */
    private static String firstDeployment() {
        Exclusively image = new Exclusively("image");
        try {
            if (!Files.exists(OUTPUT)) {
                Files.writeString(OUTPUT, Documentation.run("docs/minikube.md", "Deploy"));
            }
            return Files.readString(OUTPUT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            image.end();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Deployment.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return deployment(context);
    }

    @Override
    public void handleBeforeAllMethodExecutionException(ExtensionContext context, Throwable cause) throws Throwable {
        testFailed(context, cause);
        throw cause;
    }

    @Override
    public void testFailed(ExtensionContext context, Throwable cause) {
        System.out.println("--- " + context.getDisplayName() + " failed: " + cause.getMessage());
        printState();
    }

    /** Prints little of what works, so that the rest is easy to find. */
    private static void printState() {
        print("get", "all,persistentvolumeclaims,endpointslices", "--output=wide");
        print("get", "events", "--sort-by=.lastTimestamp");
        print(
                "get",
                "applications.argoproj.io",
                "--namespace=" + Application.NAMESPACE,
                "--output=jsonpath={range .items[*]}{.metadata.name} {.status.sync} {.status.health} {.status.conditions} "
                        + "{.status.operationState.message}{\"\\n\"}{end}");
        Cluster.podsIncludingTerminating("").forEach(pod -> {
            String name = pod.getMetadata().getName();
            if (!Cluster.isReady(pod)) {
                print("describe", "pod", name);
            }
            print("logs", name, "--all-containers", "--prefix", "--tail=50");
            Optional.ofNullable(pod.getStatus().getContainerStatuses()).orElse(List.of()).stream()
                    .filter(container -> container.getRestartCount() > 0)
                    .forEach(container ->
                            print("logs", name, "--container=" + container.getName(), "--tail=50", "--previous"));
        });
    }

    private static void print(String... arguments) {
        System.out.println("--- kubectl " + String.join(" ", arguments));
        System.out.println(Cluster.tryKubectl(arguments).output());
    }
}
