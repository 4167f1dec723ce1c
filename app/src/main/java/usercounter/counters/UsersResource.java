package usercounter.counters;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.BadRequestException;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import usercounter.api.ProblemMapper;

/** {@code /users/{id}}: a user's number. The contract is openapi.yaml. */
@Path("/users/{id}")
@Produces({MediaType.TEXT_PLAIN, MediaType.APPLICATION_JSON})
@ApplicationScoped
public class UsersResource {

    @Inject
    Counters counters;

    @GET
    public CompletionStage<Response> read(@PathParam("id") String id) {
        return answer(id, counters.read(valid(() -> new UserId(id))));
    }

    /** A request body is neither read nor buffered. */
    @POST
    public CompletionStage<Response> increment(
            @PathParam("id") String id,
            @HeaderParam(IdempotencyKeyHeader.NAME) List<String> keys,
            @HeaderParam(IdempotencyKeyHeader.DEFAULT_NAME) List<String> defaultKeys) {
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
