package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The fields for all objects that an additional overlay may set. */
class OwnOverlayTest extends OverlaysInACopy {

    private static final String NAMESPACE = "namespace: team";

    private static final String LABELS = "labels: [{pairs: {team: counters}, includeSelectors: true}]";

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void aNamespaceIsThatOfEveryObject(Combination combination) throws Exception {
        var yaml = Kustomize.KUBECTL.build(combination.writeOnTop(repository, NAMESPACE));

        var manifests = Manifests.parse(yaml);
        assertThat(manifests.namespace()).contains("team");
        assertThat(Rule.complaints(manifests)).isEmpty();
        assertThat(Kustomize.KUBECTL.build(above(NAMESPACE, combination).writeOnTop(repository)))
                .as("namespaces with the components on top")
                .isEqualTo(yaml);
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void labelsWithSelectorsLeadToTheSamePods(Combination combination) throws Exception {
        var labelled = Manifests.parse(Kustomize.KUBECTL.build(combination.writeOnTop(repository, LABELS)));
        var plain = Manifests.parse(Kustomize.KUBECTL.build(combination.writeOnTop(repository)));

        assertThat(labelled.podTemplates())
                .allSatisfy(template -> assertThat(template.labels()).containsEntry("team", "counters"));
        assertThat(Rule.complaints(labelled)).isEmpty();
        assertThat(dns(labelled).getSpec()).isEqualTo(dns(plain).getSpec());
    }

    private static V1NetworkPolicy dns(Manifests manifests) {
        return manifests.find(V1NetworkPolicy.class, "dns").orElseThrow();
    }

    /** Its pods would not have the labels that the Services and policies of base/ select. */
    @Test
    void labelsWithSelectorsBelowRedisClusterAreRefused() throws Exception {
        var combination = new Combination("minikube", List.of("redis-cluster"));

        assertThat(Kustomize.KUBECTL.refuse(above(LABELS, combination).writeOnTop(repository)))
                .contains("components/redis-cluster", "testing value /spec/selector/matchLabels failed");
    }

    /** The components on top of an overlay with this field. */
    private static Combination above(String field, Combination combination) {
        var below = new Combination(combination.overlay(), List.of()).writeOnTop(repository, field);
        return new Combination(below.getFileName().toString(), combination.components());
    }

    @ParameterizedTest
    @ValueSource(strings = {"namePrefix: team-", "nameSuffix: -team"})
    void otherNamesAreRefusedWithAReason(String field) throws Exception {
        var overlay = new Combination("minikube", List.of()).writeOnTop(repository, field);

        assertThat(Kustomize.KUBECTL.refuse(overlay))
                .contains("namePrefix and nameSuffix are not possible", "Use namespace instead");
    }
}
