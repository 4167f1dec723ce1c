package usercounter.counters;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import usercounter.api.PlainText;

/**
 * A user's number. As {@code text/plain}, the body is the number alone.
 *
 * @param id the user
 * @param count how often the user was counted, 0 to 2^63-1
 */
@JsonbPropertyOrder({"id", "count"})
public record UserCount(String id, long count) implements PlainText {

    @Override
    public String text() {
        return Long.toString(count);
    }
}
