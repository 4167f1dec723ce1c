package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every {@link Rule} finds its own {@link Fault}s, and no others. */
class FaultsTest {

    private static Manifests minikube;

    @BeforeAll
    static void render() throws Exception {
        minikube = Kustomize.render("overlays/minikube");
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Fault#all")
    void isFound(Fault fault) {
        assertThat(Rule.complaints(fault.in(minikube))).containsExactlyInAnyOrderElementsOf(fault.complaints());
    }

    @Test
    void everyRuleHasAFault() throws Exception {
        var faults = Fault.all().stream().map(Fault::rule).collect(Collectors.toSet());
        var rules = Rule.all().stream().map(Rule::title).collect(Collectors.toSet());
        assertThat(faults).as("files in src/test/resources/faults").containsExactlyInAnyOrderElementsOf(rules);
    }
}
