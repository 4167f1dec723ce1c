package usercounter.cluster;

import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestWatcher;

/**
 * Deploys the application once, by the README's commands; says what its state is when a test fails, and at the end of
 * the run what was measured.
 */
final class Deployed
        implements BeforeAllCallback, ParameterResolver, LifecycleMethodExecutionExceptionHandler, TestWatcher {

    /** What the README's commands printed. */
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
        } catch (AssertionError | RuntimeException e) {
            printState();
            throw e;
        }
    }

    /** One for the whole run: the root's store closes it after the last class. */
    private static Deployment deployment(ExtensionContext context) {
        return context.getRoot()
                .getStore(Namespace.create(Deployed.class))
                .computeIfAbsent(
                        Deployment.class,
                        any -> {
                            String output = Readme.run("On minikube");
                            Cluster.awaitRollouts();
                            return new Deployment(output);
                        },
                        Deployment.class);
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

    private static void printState() {
        print("get", "all,persistentvolumeclaims,endpointslices", "--output=wide");
        print("get", "events", "--sort-by=.lastTimestamp");
        print("describe", "pods");
        print("describe", "applications.argoproj.io", "--namespace=" + Application.NAMESPACE);
        Cluster.tryKubectl("get", "pods", "--output=name").output().lines().forEach(pod -> {
            print("logs", pod, "--all-containers", "--prefix", "--tail=100");
            print("logs", pod, "--all-containers", "--prefix", "--tail=100", "--previous");
        });
    }

    private static void print(String... arguments) {
        System.out.println("--- kubectl " + String.join(" ", arguments));
        System.out.println(Cluster.tryKubectl(arguments).output());
    }
}
