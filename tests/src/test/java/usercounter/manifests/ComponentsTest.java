package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Combinations of components. */
class ComponentsTest extends OverlaysInACopy {

    private static final String[] REASONS = {
        "components/backup does not back up a managed Redis; remove one of the two components",
        "components/own-password is for the Redis of base/ and not for a managed one; remove one of the two components",
        "components/redis-cluster and components/managed-redis exclude each other; remove one of the two",
        "components/gke and components/minikube exclude each other; remove one of the two",
        "components/gateway and components/gateway-gke exclude each other; remove one of the two",
        "components/monitoring and components/monitoring-gke exclude each other; remove one of the two",
        "nothing selected by Gateway", // components/gateway-cert-manager without a gateway
    };

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possible")
    void keepTheRules(Combination combination) throws Exception {
        var manifests = Manifests.parse(Kustomize.KUBECTL.build(combination.write(repository)));

        assertThat(Rule.complaints(manifests)).isEmpty();
        if (combination.components().isEmpty() || Combination.singleOnGke().contains(combination)) {
            Costs.assertDocumented(combination.title(), combination.cluster(), manifests);
        }
    }

    /** If the order matters, Kustomize refuses the kind of cluster after another component. */
    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#singleOnGke")
    void neverChangeWhatTheKindOfClusterSets(Combination combination) throws Exception {
        var yaml = Kustomize.KUBECTL.build(combination.write(repository));
        var reversed = new Combination(combination.components().get(0), List.of(combination.cluster()));

        assertThat(Kustomize.KUBECTL.tryBuild(reversed.write(repository))).isIn(Optional.empty(), Optional.of(yaml));
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#refused")
    void areRefusedWithAReason(Combination combination) throws Exception {
        assertThat(Kustomize.KUBECTL.refuse(combination.write(repository))).containsAnyOf(REASONS);
    }
}
