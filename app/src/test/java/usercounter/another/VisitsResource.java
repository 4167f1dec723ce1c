package usercounter.another;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.concurrent.CompletionStage;
import usercounter.api.PlainText;
import usercounter.api.ProblemMapper;
import usercounter.redis.RedisConnection;

/** How often a page was visited: a resource with numbers in Redis, as another team writes it. */
@Path("/visits/{page}")
@Produces({MediaType.TEXT_PLAIN, MediaType.APPLICATION_JSON})
@ApplicationScoped
public class VisitsResource {

    /** As {@code text/plain}, the number alone. */
    public record Visits(long visits) implements PlainText {

        @Override
        public String text() {
            return Long.toString(visits);
        }
    }

    @Inject
    RedisConnection redis;

    @GET
    public CompletionStage<Response> read(@PathParam("page") String page) {
        String key = key(page);
        return answer(redis.read("GET", key, pipeline -> pipeline.get(key))
                .thenApply(value -> value == null ? 0 : Long.parseLong(value)));
    }

    @POST
    public CompletionStage<Response> add(@PathParam("page") String page) {
        String key = key(page);
        return answer(redis.write("INCR", key, pipeline -> pipeline.incr(key)));
    }

    private static String key(String page) {
        return "visits:{" + page + "}";
    }

    private static CompletionStage<Response> answer(CompletionStage<Long> visits) {
        return visits.thenApply(number -> Response.ok(new Visits(number)).build())
                .exceptionally(ProblemMapper::answer);
    }
}
