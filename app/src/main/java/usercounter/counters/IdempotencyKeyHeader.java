package usercounter.counters;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header with a client's {@link IdempotencyKey}: a String of 1 to 128 characters in double quotes, with one
 * optional parameter, {@code ttl}. The draft defines no parameters; it lets the server decide how long to keep a key.
 * Here the client may ask for a shorter time, 1 s to 999,999 s. Other parameters are rejected.
 *
 * @see <a href="https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07">The
 *     Idempotency-Key HTTP Header Field</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3">RFC 9651, 3.3.3 Strings</a>
 */
public final class IdempotencyKeyHeader {

    public static final String NAME = "Idempotency-Key";

    /** The header with the key that a proxy generates. It is used if the client sent no key. */
    public static final String DEFAULT_NAME = "Default-Idempotency-Key";

    /** Also in openapi.yaml. */
    static final String SYNTAX = "\"((?:[ !#-\\[\\]-~]|\\\\[\"\\\\]){1,128})\"(?:; *ttl=([1-9][0-9]{0,5}))?";

    /** Whitespace around a header's value is not part of the value: RFC 9110, 5.5. */
    private static final Pattern VALID = Pattern.compile("[ \\t]*" + SYNTAX + "[ \\t]*");

    private static final Pattern ESCAPED = Pattern.compile("\\\\(.)");

    private IdempotencyKeyHeader() {}

    /**
     * @param headers the values of all headers of the request with this name
     * @return empty if there are none
     * @throws IllegalArgumentException if the value is malformed, or if there is more than one
     */
    static Optional<IdempotencyKey> parse(List<String> headers) {
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        if (headers.size() > 1) {
            throw new IllegalArgumentException(
                    "A request has at most one Idempotency-Key; this one has " + headers.size() + ": send only one");
        }
        Matcher matcher = VALID.matcher(headers.get(0));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "Idempotency-Key is 1 to 128 printable ASCII characters in double quotes, with no parameter "
                            + "except ttl, in seconds");
        }
        return Optional.of(new IdempotencyKey(
                ESCAPED.matcher(matcher.group(1)).replaceAll("$1"),
                Optional.ofNullable(matcher.group(2)).map(Long::parseLong).map(Duration::ofSeconds)));
    }
}
