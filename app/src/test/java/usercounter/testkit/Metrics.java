package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A scrape of {@code /metrics}: the values by name and labels, as they are printed.
 *
 * @see <a href="https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format">The text format</a>
 */
public final class Metrics {

    private static final Pattern SAMPLE =
            Pattern.compile("([a-z_]+(?:\\{(?:[a-z_]+=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\",?)+})?) ([-+.\\w]+)");

    private final Map<String, Double> values = new LinkedHashMap<>();

    private Metrics(String text) {
        text.lines().filter(line -> !line.startsWith("# ")).forEach(line -> {
            Matcher sample = SAMPLE.matcher(line);
            assertThat(sample.matches()).as(line).isTrue();
            assertThat(values.put(sample.group(1), Double.parseDouble(sample.group(2))))
                    .as(line)
                    .isNull();
        });
    }

    public static Metrics of(Endpoint server) {
        return of(server.get("/metrics"));
    }

    /** Fails if the answer is not in the text format of Prometheus. */
    public static Metrics of(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/plain; version=0.0.4; charset=utf-8");
        return new Metrics(answer.body());
    }

    /** The names with their labels. */
    public Set<String> series() {
        return values.keySet();
    }

    /** The value of a series; 0 if there is none. */
    public double value(String series) {
        return values.getOrDefault(series, 0.0);
    }
}
