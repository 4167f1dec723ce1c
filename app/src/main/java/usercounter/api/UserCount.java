package usercounter.api;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * A user's number. As {@code text/plain}, the body is the number alone.
 *
 * @param id the user
 * @param count how often the user was counted, 0 to 2^63-1
 */
@JsonbPropertyOrder({"id", "count"})
@Schema(description = "A user's number")
public record UserCount(
        @Schema(description = "The user", examples = "249") String id,

        @Schema(description = "How often the user was counted", minimum = "0", examples = "3")
        long count)
        implements PlainText {

    @Override
    public String text() {
        return Long.toString(count);
    }
}
