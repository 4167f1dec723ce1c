package usercounter.manifests;

import static java.util.stream.Collectors.toCollection;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import com.google.gson.JsonObject;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import usercounter.Repository;
import usercounter.cluster.Dashboard;
import usercounter.cluster.Dashboard.Query;

/** The dashboard for Grafana: a stranger understands each panel, and each query uses metrics that exist. */
class DashboardTest extends OverlaysInACopy {

    /** A metric and its selector. Functions have a parenthesis after their name. */
    private static final Pattern METRIC = Pattern.compile("\\b([a-z]+[_:][a-z0-9_:]+)\\b(?! *\\()(\\{[^}]*})?");

    /** Parts of a query in which names are no metrics. */
    private static final Pattern LABELS_AND_TEXTS = Pattern.compile("\\b(?:by|on|group_left) \\([^)]*\\)|\"[^\"]*\"");

    static List<JsonObject> panels() throws IOException {
        return Dashboard.read().panels();
    }

    static List<Query> queries() throws IOException {
        return Dashboard.read().queries();
    }

    @ParameterizedTest
    @MethodSource("panels")
    void everyPanelSaysWhatItShows(JsonObject panel) {
        assertThat(panel.get("title").getAsString()).isNotBlank();
        assertThat(panel.get("description").getAsString()).endsWith(".");
        assertThat(panel.getAsJsonObject("fieldConfig")
                        .getAsJsonObject("defaults")
                        .get("unit")
                        .getAsString())
                .isNotBlank();
        assertThat(panel.getAsJsonArray("targets")).isNotEmpty();
        assertThat(panel.getAsJsonObject("datasource").get("uid").getAsString()).isEqualTo("$datasource");
    }

    @Test
    void thePanelsFillOneScreenWithoutOverlap() throws IOException {
        var cells = new HashSet<List<Integer>>();
        int height = 0;
        int area = 0;
        for (var panel : panels()) {
            var position = panel.getAsJsonObject("gridPos");
            int bottom = position.get("y").getAsInt() + position.get("h").getAsInt();
            int right = position.get("x").getAsInt() + position.get("w").getAsInt();
            for (int y = position.get("y").getAsInt(); y < bottom; y++) {
                for (int x = position.get("x").getAsInt(); x < right; x++) {
                    assertThat(cells.add(List.of(x, y)))
                            .as("free at %s", position)
                            .isTrue();
                    area++;
                }
            }
            assertThat(right).as("%s", position).isLessThanOrEqualTo(24);
            height = Math.max(height, bottom);
        }
        assertThat(height).isLessThanOrEqualTo(26);
        assertThat(area).isEqualTo(24 * height);
    }

    @Test
    void titlesDiffer() throws IOException {
        assertThat(panels())
                .extracting(panel -> panel.get("title").getAsString())
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("queries")
    void everyMetricExists(Query query) throws IOException {
        var used = metrics(query).map(metric -> metric.group(1)).collect(toCollection(TreeSet::new));

        assertThat(used).isNotEmpty();
        used.removeAll(recorded());
        used.removeIf(isDocumented());
        assertThat(used)
                .as("metrics that neither docs/metrics.md nor a rule has")
                .isEmpty();
    }

    /** Otherwise it would mix environments. */
    @ParameterizedTest
    @MethodSource("queries")
    void everyMetricIsOfOneEnvironment(Query query) {
        assertThat(metrics(query))
                .extracting(metric -> metric.group(2))
                .allMatch(selector -> selector.startsWith("{environment"));
    }

    @Test
    void everyVariableIsReplaced() throws IOException {
        assertThat(Dashboard.read().queries("shop"))
                .extracting(Query::expression)
                .noneMatch(expression -> expression.contains("$"))
                .anyMatch(expression -> expression.contains("{namespace=\"shop\""))
                .anyMatch(expression -> expression.contains("[1m]"));
    }

    /** The sidecar of kube-prometheus-stack finds it by its label. */
    @Test
    void theComponentGivesItToGrafana() throws Exception {
        var rendered = Kustomize.KUBECTL.build(new Combination("minikube", List.of("monitoring")).write(repository));

        assertThat(Manifests.parse(rendered).all(V1ConfigMap.class))
                .filteredOn(map -> "1".equals(map.getMetadata().getLabels().get("grafana_dashboard")))
                .singleElement()
                .satisfies(map -> assertThat(map.getData())
                        .containsExactly(entry("user-counter.json", Files.readString(Dashboard.FILE))));
    }

    private static Stream<MatchResult> metrics(Query query) {
        var expression = query.expression().replaceAll("namespace=~?\"\\$namespace\\|?\"", "environment");
        return METRIC.matcher(LABELS_AND_TEXTS.matcher(expression).replaceAll(""))
                .results();
    }

    private static Set<String> recorded() throws IOException {
        return names("components/monitoring/common/objects/prometheusrule.yaml", "(?m)^ *- record: (\\S+)$");
    }

    /** docs/metrics.md has names in backticks. One that ends with an ellipsis is the beginning of names. */
    private static Predicate<String> isDocumented() throws IOException {
        var documented = names("docs/metrics.md", "`(\\w+…?)`");
        return metric -> documented.contains(metric)
                || documented.contains(metric.replaceFirst("_(?:bucket|count|sum)$", ""))
                || documented.stream()
                        .filter(name -> name.endsWith("…"))
                        .anyMatch(name -> metric.startsWith(name.substring(0, name.length() - 1)));
    }

    private static Set<String> names(String file, String pattern) throws IOException {
        return Pattern.compile(pattern)
                .matcher(Files.readString(Repository.ROOT.resolve(file)))
                .results()
                .map(name -> name.group(1))
                .collect(toSet());
    }
}
