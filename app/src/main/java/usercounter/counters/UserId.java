package usercounter.counters;

import java.util.regex.Pattern;

/**
 * A user's id: 1 to 128 characters that need no encoding in a URI. The ids {@code .} and {@code ..} are not allowed,
 * since clients and proxies remove them from a path (RFC 3986, 5.2.4).
 *
 * @param value the id, percent-decoded
 * @see <a href="https://www.rfc-editor.org/rfc/rfc3986#section-2.3">RFC 3986, 2.3 Unreserved Characters</a>
 */
public record UserId(String value) {

    public static final String PATTERN = "^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,128}$";

    private static final Pattern VALID = Pattern.compile(PATTERN);

    /** @throws IllegalArgumentException if {@code value} is not a valid id */
    public UserId {
        if (!VALID.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "A user id is 1 to 128 of the characters A-Z a-z 0-9 - . _ ~, but neither '.' nor '..'");
        }
    }
}
