package usercounter.manifests;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import usercounter.Repository;

/** The rules of components/monitoring. {@link usercounter.cluster.MonitoringRulesIT} tests what they do, by promtool. */
public class MonitoringTest extends OverlaysInACopy {

    /** The tests for promtool, which expect the rules beside them in {@code rules.yaml}. */
    public static final Path TESTS = Path.of("src/test/resources/rules");

    private static final Path RUNBOOKS = Repository.ROOT.resolve("docs/runbooks.md");

    private static JsonObject groups;

    @BeforeAll
    static void render() throws Exception {
        groups = groups();
    }

    /** The content of a file of rules for Prometheus. */
    public static JsonObject groups() throws IOException, InterruptedException {
        return spec(Kustomize.render("tests/overlays/monitoring"), "PrometheusRule");
    }

    private static JsonObject spec(Manifests manifests, String kind) {
        return manifests.json().stream()
                .filter(object -> object.get("kind").getAsString().equals(kind))
                .findFirst()
                .orElseThrow()
                .getAsJsonObject("spec");
    }

    private static List<JsonObject> rules() {
        return items(groups, "groups").flatMap(group -> items(group, "rules")).toList();
    }

    private static List<JsonObject> alerts() {
        return rules().stream().filter(rule -> rule.has("alert")).toList();
    }

    private static Stream<JsonObject> items(JsonObject object, String list) {
        return object.getAsJsonArray(list).asList().stream().map(JsonElement::getAsJsonObject);
    }

    @Test
    void onGkeTheyAreTheSame() throws Exception {
        var gke = new Combination("gke", List.of("monitoring-gke")).write(repository);

        assertThat(spec(Manifests.parse(Kustomize.KUBECTL.build(gke)), "Rules")).isEqualTo(groups);
    }

    @Test
    void everyAlertSaysWhatToDo() throws Exception {
        for (var alert : alerts()) {
            var name = alert.get("alert").getAsString();
            assertThat(alert.getAsJsonObject("labels").get("severity").getAsString())
                    .as(name)
                    .isIn("page", "ticket");
            var annotations = alert.getAsJsonObject("annotations");
            assertThat(annotations.keySet()).as(name).contains("summary", "description");
            assertThat(annotations.get("description").getAsString()).as(name).contains("{{ $labels.namespace }}");
            assertThat(annotations.get("runbook_url").getAsString())
                    .endsWith("/blob/main/docs/runbooks.md#" + name.toLowerCase(Locale.ROOT));
        }

        assertThat(Pattern.compile("(?m)^## (UserCounter\\w+)$")
                        .matcher(Files.readString(RUNBOOKS))
                        .results()
                        .map(heading -> heading.group(1)))
                .as("headings of %s", RUNBOOKS)
                .containsExactlyElementsOf(alerts().stream()
                        .map(alert -> alert.get("alert").getAsString())
                        .toList());
    }

    /** An alert fires and does not fire, a ratio is 0 and is not 0. A constant has only one value. */
    @Test
    void everyRuleHasTestsBothWays() throws Exception {
        var tests = promtoolTests();
        for (var rule : rules()) {
            var isConstant = rule.get("expr").getAsString().startsWith("vector(");
            assertThat(outcomes(query(rule, isConstant), tests))
                    .as("outcomes of tests in tests/%s for %s", TESTS, rule)
                    .isEqualTo(isConstant ? Set.of(true) : Set.of(true, false));
        }
    }

    /** The part of a query in the tests that reads the result of this rule. */
    private static String query(JsonObject rule, boolean isConstant) {
        if (rule.has("alert")) {
            return "alertname=\"%s\"".formatted(rule.get("alert").getAsString());
        }
        var name = rule.get("record").getAsString();
        return isConstant
                ? name
                : "%s{slo=\"%s\"}"
                        .formatted(
                                name, rule.getAsJsonObject("labels").get("slo").getAsString());
    }

    private static Set<Boolean> outcomes(String query, List<JsonObject> tests) {
        var outcomes = new HashSet<Boolean>();
        for (var test : tests) {
            if (test.get("expr").getAsString().contains(query)) {
                var samples = items(test, "exp_samples").toList();
                samples.forEach(sample -> outcomes.add(sample.get("value").getAsDouble() != 0));
                if (samples.isEmpty()) {
                    outcomes.add(false);
                }
            }
        }
        return outcomes;
    }

    private static List<JsonObject> promtoolTests() throws IOException {
        try (var files = Files.list(TESTS)) {
            var tests = Stream.<JsonObject>empty();
            for (var file : files.toList()) {
                tests = Stream.concat(
                        tests,
                        Manifests.documents(Files.readString(file)).stream()
                                .flatMap(content -> items(content, "tests"))
                                .flatMap(group -> items(group, "promql_expr_test")));
            }
            return tests.toList();
        }
    }
}
