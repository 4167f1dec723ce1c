package usercounter;

import java.util.regex.Pattern;

/**
 * A user's id: 1 to 128 of the characters that a URI never needs to encode.
 *
 * @param value the id, percent-decoded
 * @see <a href="https://www.rfc-editor.org/rfc/rfc3986#section-2.3">RFC 3986, 2.3 Unreserved Characters</a>
 */
public record UserId(String value) {

    /** The name of the path parameter that holds one. */
    static final String PARAMETER = "id";

    /** The rule as the OpenAPI document states it. */
    static final String PATTERN = "^[A-Za-z0-9._~-]{1,128}$";

    private static final Pattern VALID = Pattern.compile(PATTERN);

    /** @throws CounterException for {@link CounterException.Reason#INVALID_ID} */
    public UserId {
        if (!VALID.matcher(value).matches()) {
            throw new CounterException(
                    CounterException.Reason.INVALID_ID, "A user id is 1 to 128 of the characters A-Z a-z 0-9 - . _ ~");
        }
    }
}
