package peer;

import io.quarkus.redis.datasource.ReactiveRedisDataSource;
import io.quarkus.redis.datasource.value.ReactiveValueCommands;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

@Path("/")
@Produces(MediaType.TEXT_PLAIN)
public class UsersResource {

    private final ReactiveValueCommands<String, Long> counts;

    public UsersResource(ReactiveRedisDataSource redis) {
        counts = redis.value(Long.class);
    }

    @GET
    @Path("/users/{id}")
    public Uni<Long> read(String id) {
        return counts.get(key(id)).onItem().ifNull().continueWith(0L);
    }

    @POST
    @Path("/users/{id}")
    public Uni<Long> increment(String id) {
        return counts.incr(key(id));
    }

    @GET
    @Path("/healthz")
    public String check() {
        return "✓";
    }

    private static String key(String id) {
        return "user:{" + id + "}";
    }
}
