package usercounter;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client's name for one increment: however often a POST comes with the same key for the same user, it counts once.
 * As a header it is a String, 1 to 128 characters in double quotes, and may have one parameter, {@code ttl}. The draft
 * has none, but lets a server say how long it keeps a key; here the client may ask for less. Other parameters are
 * refused.
 *
 * @param value the key, without quotes and escapes
 * @param ttl how long the client needs it, 1 s to 999,999 s; empty for as long as the service keeps any
 * @see <a href="https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07">The
 *     Idempotency-Key HTTP Header Field</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3">RFC 9651, 3.3.3 Strings</a>
 */
public record IdempotencyKey(String value, Optional<Duration> ttl) {

    /** The name of the header. */
    static final String HEADER = "Idempotency-Key";

    /** The header's rule as the OpenAPI document states it. */
    static final String PATTERN = "^\"((?:[ !#-\\[\\]-~]|\\\\[\"\\\\]){1,128})\"(?:; *ttl=([1-9][0-9]{0,5}))?$";

    private static final Pattern VALID = Pattern.compile(PATTERN);
    private static final Pattern ESCAPED = Pattern.compile("\\\\(.)");

    /**
     * @param headers the values of all the request's headers of this name
     * @return empty if there are none
     * @throws CounterException for {@link CounterException.Reason#INVALID_IDEMPOTENCY_KEY}, also if there are several
     */
    static Optional<IdempotencyKey> parse(List<String> headers) {
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        Matcher matcher = VALID.matcher(headers.get(0));
        if (headers.size() > 1 || !matcher.matches()) {
            throw new CounterException(
                    CounterException.Reason.INVALID_IDEMPOTENCY_KEY,
                    "Idempotency-Key, once at most, is 1 to 128 printable ASCII characters in double quotes, "
                            + "with no parameter but ttl, in seconds");
        }
        return Optional.of(new IdempotencyKey(
                ESCAPED.matcher(matcher.group(1)).replaceAll("$1"),
                Optional.ofNullable(matcher.group(2)).map(Long::parseLong).map(Duration::ofSeconds)));
    }
}
