package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Combinations of components, in the overlays and on top of them. */
class ComponentsTest extends OverlaysInACopy {

    private static final String[] REASONS = {
        "components/backup does not back up a managed Redis; remove one of the two components",
        "components/own-password is for the Redis of base/ and not for a managed one; remove one of the two components",
        "components/redis-cluster and components/managed-redis exclude each other; remove one of the two",
        "components/gateway and components/gateway-gke exclude each other; remove one of the two",
        "components/monitoring and components/monitoring-gke exclude each other; remove one of the two",
        "nothing selected by Gateway", // components/gateway-cert-manager without a gateway
    };

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possible")
    void keepTheRules(Combination combination) throws Exception {
        var manifests = Manifests.parse(Kustomize.KUBECTL.build(combination.writeOnTop(repository)));

        assertThat(Rule.complaints(manifests)).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possible")
    void areTheSameInAnOverlayAndOnTopOfIt(Combination combination) throws Exception {
        assertThat(Kustomize.KUBECTL.build(combination.writeOnTop(repository)))
                .isEqualTo(Kustomize.KUBECTL.build(combination.write(repository)));
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#refused")
    void areRefusedWithAReason(Combination combination) throws Exception {
        assertThat(Kustomize.KUBECTL.refuse(combination.writeOnTop(repository))).containsAnyOf(REASONS);
    }

    /** Also in an overlay on top of one that sets a namespace. */
    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#refused")
    void areRefusedOneOnTopOfTheOther(Combination combination) throws Exception {
        var components = combination.components();
        var below = new Combination(combination.overlay(), components.subList(0, 1))
                .writeOnTop(repository, "namespace: team");
        var onTop = new Combination(below.getFileName().toString(), components.subList(1, components.size()));

        assertThat(Kustomize.KUBECTL.refuse(onTop.writeOnTop(repository))).containsAnyOf(REASONS);
    }
}
