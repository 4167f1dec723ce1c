package usercounter.cluster;

import java.util.List;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.TestWatcher;

/** Deploys the application once, by the README's commands, and says what its state is when a test fails. */
final class Deployed implements BeforeAllCallback, TestWatcher {

    @Override
    public void beforeAll(ExtensionContext context) {
        try {
            context.getRoot().getStore(Namespace.create(Deployed.class)).computeIfAbsent("output", any -> {
                String output = Readme.run("On minikube");
                Cluster.awaitRollouts();
                return output;
            });
        } catch (AssertionError e) {
            printState();
            throw e;
        }
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
        for (String name : List.of("frontend", "backend", "redis")) {
            String selector = "--selector=app.kubernetes.io/name=" + name;
            print("logs", selector, "--tail=40", "--prefix");
            print("logs", selector, "--tail=40", "--prefix", "--previous");
        }
    }

    private static void print(String... arguments) {
        System.out.println("--- kubectl " + String.join(" ", arguments));
        System.out.println(Cluster.tryKubectl(arguments).output());
    }
}
