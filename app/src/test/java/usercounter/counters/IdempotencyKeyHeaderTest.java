package usercounter.counters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdempotencyKeyHeaderTest {

    private static final String LONGEST_128 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    @Test
    void isOptional() {
        assertThat(IdempotencyKeyHeader.parse(List.of())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '\'',
            value = {
                "'\"8e03978e-40d5-43dd-bc93-6894a57f9324\"', 8e03978e-40d5-43dd-bc93-6894a57f9324",
                "'\"a b!#$,;:[]{}~\"', 'a b!#$,;:[]{}~'",
                "'\"a\\\"b\"', 'a\"b'",
                "'\"a\\\\b\"', 'a\\b'",
                "'\"\\\\\\\"\"', '\\\"'",
                "'\" \"', ' '",
                "'\"" + LONGEST_128 + "\"', " + LONGEST_128,
            })
    void isAStringOfAStructuredField(String header, String value) {
        assertThat(IdempotencyKeyHeader.parse(List.of(header))).contains(new IdempotencyKey(value, Optional.empty()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"a\" ", " \"a\"", "\t \"a\" \t"})
    void ignoresSurroundingWhitespace(String header) {
        assertThat(IdempotencyKeyHeader.parse(List.of(header))).contains(new IdempotencyKey("a", Optional.empty()));
    }

    @Test
    void anEscapedCharacterCountsAsOne() {
        assertThat(IdempotencyKeyHeader.parse(List.of("\"" + "\\\"".repeat(128) + "\"")))
                .contains(new IdempotencyKey("\"".repeat(128), Optional.empty()));
    }

    @ParameterizedTest
    @CsvSource({"\"a\";ttl=1, 1", "\"a\"; ttl=60, 60", "\"a\";ttl=999999, 999999"})
    void mayHaveATimeToLive(String header, long seconds) {
        assertThat(IdempotencyKeyHeader.parse(List.of(header)))
                .contains(new IdempotencyKey("a", Optional.of(Duration.ofSeconds(seconds))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "\"\"",
                "\"",
                "a",
                "8e03978e-40d5-43dd-bc93-6894a57f9324",
                "'a'",
                "\"a",
                "a\"",
                "\"a\"b\"",
                "\"a\\b\"",
                "\"a\\\"",
                "\"é\"",
                "\"a\tb\"",
                "\"a\u007f\"",
                "\"a\"\n",
                "\"a\"\u00a0",
                "\"a\", \"b\"",
                "(\"a\")",
                ":YQ==:",
                "\"a\";x=1",
                "\"a\";ttl",
                "\"a\";ttl=0",
                "\"a\";ttl=-1",
                "\"a\";ttl=1.5",
                "\"a\";ttl=1000000",
                "\"a\" ;ttl=60",
                "\"a\";ttl=60;ttl=60",
                "\"" + LONGEST_128 + "x\"",
            })
    void rejectsEverythingElse(String header) {
        assertRefused(List.of(header));
    }

    @Test
    void rejectsMoreThanOneHeader() {
        assertRefused(List.of("\"a\"", "\"a\""));
    }

    private static void assertRefused(List<String> headers) {
        assertThatThrownBy(() -> IdempotencyKeyHeader.parse(headers)).isInstanceOf(IllegalArgumentException.class);
    }
}
