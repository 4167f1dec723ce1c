package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.ws.rs.core.Response.Status;
import java.net.http.HttpResponse;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractStringAssert;

/** Problem documents, the bodies of errors: <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>. */
public final class Problems {

    private static final Pattern PROBLEM = Pattern.compile(
            "\\{\"type\":\"about:blank\",\"title\":\"([^\"]+)\",\"status\":(\\d+),\"detail\":\"([^\"<\\\\]+)\"}");

    private Problems() {}

    /** The answer has this status, and a problem document. Returns an assertion about the problem's detail. */
    public static AbstractStringAssert<?> assertProblem(HttpResponse<String> answer, int status) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        Matcher problem = PROBLEM.matcher(answer.body());
        assertThat(problem.matches()).as(answer.body()).isTrue();
        Status known = Status.fromStatusCode(status);
        assertThat(problem.group(1)).isEqualTo(known == null ? problem.group(1) : known.getReasonPhrase());
        assertThat(problem.group(2)).isEqualTo(Integer.toString(status));
        return assertThat(problem.group(3));
    }

    /** The answer is 405, and its header Allow has these methods, in any order and perhaps among others. */
    public static void assertMethodNotAllowed(HttpResponse<String> answer, String... allowed) {
        assertProblem(answer, 405);
        assertThat(answer.headers().firstValue("Allow"))
                .hasValueSatisfying(value -> assertThat(value.split(", *")).contains(allowed));
    }
}
