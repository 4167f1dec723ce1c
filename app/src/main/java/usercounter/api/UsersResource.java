package usercounter.api;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.headers.Header;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import usercounter.counters.Counters;
import usercounter.counters.IdempotencyKey;
import usercounter.counters.UserId;

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
                + "Idempotency-Key. Nothing was counted. The server itself rejects a path that is not a valid URI, "
                + "with a short text instead of the problem document",
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
        responseCode = "429",
        description = "The frontend had too many requests from this address; nothing was counted",
        headers = @Header(name = HttpHeaders.RETRY_AFTER, ref = HttpHeaders.RETRY_AFTER),
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
@APIResponse(
        responseCode = "500",
        description = "The value stored for this user is not a number; the service does not change it",
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
@APIResponse(
        responseCode = "503",
        description =
                "Redis did not answer in time. An increment may or may not have been counted; with an Idempotency-Key "
                        + "the request is safe to repeat",
        headers = @Header(name = HttpHeaders.RETRY_AFTER, ref = HttpHeaders.RETRY_AFTER),
        content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
public class UsersResource {

    /** The path parameter. */
    static final String ID = "id";

    @Inject
    Counters counters;

    @GET
    @Operation(operationId = "readCount", summary = "Read a user's number; 0 for a user never counted")
    public CompletionStage<Response> read(@PathParam(ID) @Parameter(ref = ID) String id) {
        return answer(id, counters.read(valid(() -> new UserId(id))));
    }

    /** A request body is neither read nor buffered. */
    @POST
    @Operation(
            operationId = "incrementCount",
            summary = "Add one to a user's number and answer the new number",
            description = "If the Idempotency-Key was used before for this user, nothing is counted and the answer is "
                    + "the number of the first request")
    @APIResponse(
            responseCode = "409",
            description = "The counter is at its maximum, 2^63-1, and is not changed",
            content = @Content(mediaType = Problem.MEDIA_TYPE, schema = @Schema(implementation = Problem.class)))
    public CompletionStage<Response> increment(
            @PathParam(ID) @Parameter(ref = ID) String id,
            @HeaderParam(IdempotencyKeyHeader.NAME) @Parameter(ref = IdempotencyKeyHeader.NAME) List<String> keys,
            @HeaderParam(IdempotencyKeyHeader.DEFAULT_NAME) @Parameter(hidden = true) List<String> defaultKeys) {
        UserId user = valid(() -> new UserId(id));
        Optional<IdempotencyKey> key = valid(() -> IdempotencyKeyHeader.parse(keys.isEmpty() ? defaultKeys : keys));
        return answer(id, key.map(each -> counters.increment(user, each)).orElseGet(() -> counters.increment(user)));
    }

    private static <T> T valid(Supplier<T> argument) {
        try {
            return argument.get();
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(e.getMessage());
        }
    }

    /**
     * Failures are mapped to responses here, not in RESTEasy. After the response to a failed stage, RESTEasy reads the
     * request object again, which Liberty may already have reused for another client.
     */
    private static CompletionStage<Response> answer(String id, CompletionStage<Long> count) {
        return count.thenApply(number -> Response.ok(new UserCount(id, number)).build())
                .exceptionally(ProblemMapper::answer);
    }
}
