package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import usercounter.testkit.OpenApiDocument;

/** What openapi.yaml repeats from the code. */
class OpenApiTest {

    @Test
    void hasThePatternsOfTheCode() {
        assertThat(OpenApiDocument.text("/paths/~1users~1{id}/parameters/0/schema/pattern"))
                .isEqualTo(UserId.PATTERN);
        assertThat(OpenApiDocument.text("/paths/~1users~1{id}/post/parameters/0/schema/pattern"))
                .isEqualTo("^" + IdempotencyKeyHeader.SYNTAX + "$");
    }
}
