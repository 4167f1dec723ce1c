package usercounter.api;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.core.Response.StatusType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/**
 * The body of every error response.
 *
 * @param type {@code about:blank}: the status defines the kind of problem
 * @param title the status's reason phrase
 * @param status the HTTP status
 * @param detail one sentence for the caller, without values of the request, which may come from a third party
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
@JsonbPropertyOrder({"type", "title", "status", "detail"})
@Schema(description = "What went wrong (RFC 9457)")
public record Problem(
        @Schema(examples = "about:blank") String type,
        @Schema(examples = "Service Unavailable") String title,
        @Schema(examples = "503") int status,

        @Schema(
                examples =
                        "Redis is unavailable: repeat the request after the time in Retry-After, a POST with an Idempotency-Key")
        String detail) {

    public static final String MEDIA_TYPE = "application/problem+json";

    /** The detail of a 404. */
    static final String NOT_FOUND = "No resource has this path: /docs has those of the API";

    static Problem of(StatusType status, String detail) {
        return new Problem("about:blank", status.getReasonPhrase(), status.getStatusCode(), detail);
    }
}
