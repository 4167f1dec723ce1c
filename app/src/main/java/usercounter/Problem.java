package usercounter;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.core.Response.StatusType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * The body of every error.
 *
 * @param type {@code about:blank}: the status says what kind of problem this is
 * @param title the status's reason phrase
 * @param status the HTTP status
 * @param detail one sentence for the caller
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
@JsonbPropertyOrder({"type", "title", "status", "detail"})
@Schema(description = "What went wrong (RFC 9457)")
public record Problem(
        @Schema(examples = "about:blank") String type,
        @Schema(examples = "Service Unavailable") String title,
        @Schema(examples = "503") int status,

        @Schema(examples = "The counters cannot be reached at the moment")
        String detail) {

    /** Its media type. */
    public static final String MEDIA_TYPE = "application/problem+json";

    static Problem of(StatusType status, String detail) {
        return new Problem("about:blank", status.getReasonPhrase(), status.getStatusCode(), detail);
    }
}
