package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import usercounter.Repository;

/** The fields for all objects that an overlay may set. */
class OwnOverlayTest extends OverlaysInACopy {

    private static final String NAMESPACE = "namespace: team";

    /** Labels that companies and tools put on every object. Argo CD sets the first one if it tracks by label. */
    private static final String LABELS =
            "labels: [{pairs: {app.kubernetes.io/instance: shop, app.kubernetes.io/part-of: shop,"
                    + " app.kubernetes.io/managed-by: shop, app.kubernetes.io/version: v1, team: counters},"
                    + " includeSelectors: %s}]";

    private static final String WITH_SELECTORS = LABELS.formatted(true);

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void aNamespaceIsThatOfEveryObject(Combination combination) throws Exception {
        var yaml = Kustomize.KUBECTL.build(combination.write(repository, NAMESPACE));

        var manifests = Manifests.parse(yaml);
        assertThat(manifests.namespace()).contains("team");
        assertThat(Rule.complaints(manifests)).isEmpty();
    }

    @Test
    void everyPageWithTheNamespaceSaysHowToTakeAnother() throws Exception {
        try (var files = Files.find(
                Repository.ROOT, 3, (file, attributes) -> file.toString().endsWith(".md"))) {
            for (var page : files.toList()) {
                var text = Files.readString(page);
                if (text.contains("kubectl -n user-counter")) {
                    assertThat(text)
                            .as("%s", page)
                            .contains("The commands use the namespace `user-counter`: replace it");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possible")
    void labelsKeepTheRules(Combination combination) throws Exception {
        var yaml = Kustomize.KUBECTL.build(combination.write(repository, LABELS.formatted(false)));

        assertThat(Rule.complaints(Manifests.parse(yaml))).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("usercounter.manifests.Combination#possibleOnGke")
    void labelsWithSelectorsLeadToTheSamePods(Combination combination) throws Exception {
        var labelled = Manifests.parse(Kustomize.KUBECTL.build(combination.write(repository, WITH_SELECTORS)));
        var plain = Manifests.parse(Kustomize.KUBECTL.build(combination.write(repository)));

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
        var below = new Combination("minikube", List.of()).write(repository, WITH_SELECTORS);
        var overlay = Files.createTempDirectory(below.getParent(), "above");
        Files.writeString(
                overlay.resolve("kustomization.yaml"),
                "{resources: [../%s], components: [../../components/redis-cluster]}".formatted(below.getFileName()));

        assertThat(Kustomize.KUBECTL.refuse(overlay))
                .contains("components/redis-cluster", "testing value /spec/selector/matchLabels failed");
    }

    /** Services, policies and probes have the name of the port. */
    @Test
    void anotherPortOfTheBackendIsInOnePlace() throws Exception {
        var combination = new Combination("minikube", List.of("monitoring"));
        var overlay = combination.write(repository, """
                patches:
                  - target: {kind: Deployment, name: backend}
                    patch: |-
                      - op: replace
                        path: /spec/template/spec/containers/0/ports/0/containerPort
                        value: 8888
                """);

        assertThat(Rule.complaints(Manifests.parse(Kustomize.KUBECTL.build(overlay))))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"namePrefix: team-", "nameSuffix: -team"})
    void otherNamesAreRefusedWithAReason(String field) throws Exception {
        var overlay = new Combination("minikube", List.of()).write(repository, field);

        assertThat(Kustomize.KUBECTL.refuse(overlay))
                .contains("namePrefix and nameSuffix are not possible", "Use namespace instead");
    }
}
