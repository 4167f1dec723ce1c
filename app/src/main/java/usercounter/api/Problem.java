package usercounter.api;

import jakarta.json.bind.annotation.JsonbPropertyOrder;
import jakarta.ws.rs.core.Response.StatusType;

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
public record Problem(String type, String title, int status, String detail) {

    public static final String MEDIA_TYPE = "application/problem+json";

    /** The detail of a 404. */
    static final String NOT_FOUND = "No resource has this path: /docs has those of the API";

    static Problem of(StatusType status, String detail) {
        return new Problem("about:blank", status.getReasonPhrase(), status.getStatusCode(), detail);
    }
}
