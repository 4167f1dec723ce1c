package usercounter;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.headers.Header;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;

/** {@code /users/{id}}: a user's number. */
@Path("/users/{id}")
@Produces({MediaType.TEXT_PLAIN, MediaType.APPLICATION_JSON})
@ApplicationScoped
@APIResponse(
        responseCode = "200",
        description = "The user's number",
        content = {
            @Content(
                    mediaType = MediaType.TEXT_PLAIN,
                    schema = @Schema(type = SchemaType.STRING, pattern = "^[0-9]{1,19}$", examples = "3")),
            @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(implementation = UserCount.class))
        })
@APIResponse(
        responseCode = "400",
        description = "The id, an Idempotency-Key or another header is malformed, or there is more than one "
                + "Idempotency-Key; Redis was not asked. A path that is no URI at all is refused by "
                + "the server before any application sees it, with a short text in place of the problem document",
        content = {
            @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)),
            @Content(mediaType = MediaType.TEXT_HTML, schema = @Schema(type = SchemaType.STRING)),
            @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(type = SchemaType.OBJECT))
        })
@APIResponse(
        responseCode = "406",
        description = "Accept allows neither text/plain nor application/json; nothing was counted",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
@APIResponse(
        responseCode = "500",
        description = "What is stored for this user is not a number; it is left as it is",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
@APIResponse(
        responseCode = "503",
        description =
                "Redis did not answer in time. An increment may or may not have been counted; with an Idempotency-Key "
                        + "it is safe to repeat",
        headers =
                @Header(
                        name = HttpHeaders.RETRY_AFTER,
                        description = "After how many seconds to try again",
                        schema = @Schema(type = SchemaType.INTEGER, minimum = "0")),
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
public class UsersResource {

    @Inject
    Counters counters;

    @GET
    @Operation(operationId = "readCount", summary = "Read a user's number; 0 for a user never counted")
    public CompletionStage<UserCount> read(@PathParam(UserId.PARAMETER) @Parameter(ref = UserId.PARAMETER) String id) {
        UserId user = new UserId(id);
        return counters.read(user).thenApply(count -> new UserCount(id, count));
    }

    /** A body, if any, is neither read nor buffered. */
    @POST
    @Operation(
            operationId = "incrementCount",
            summary = "Add one to a user's number and answer the new number",
            description = "With an Idempotency-Key that counted before: answer the number it counted then")
    @APIResponse(
            responseCode = "409",
            description = "The counter stands at its maximum, 2^63-1, and stays there",
            content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
    public CompletionStage<UserCount> increment(
            @PathParam(UserId.PARAMETER) @Parameter(ref = UserId.PARAMETER) String id,
            @HeaderParam(IdempotencyKey.HEADER) @Parameter(ref = IdempotencyKey.HEADER) List<String> idempotencyKeys) {
        UserId user = new UserId(id);
        return IdempotencyKey.parse(idempotencyKeys)
                .map(key -> counters.increment(user, key))
                .orElseGet(() -> counters.increment(user))
                .thenApply(count -> new UserCount(id, count));
    }
}
