package peer;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import redis.clients.jedis.UnifiedJedis;

@Path("/")
@Produces(MediaType.TEXT_PLAIN)
@ApplicationScoped
public class UsersResource {

    @Inject
    UnifiedJedis redis;

    @GET
    @Path("users/{id}")
    public String read(@PathParam("id") String id) {
        String count = redis.get(key(id));
        return count == null ? "0" : count;
    }

    @POST
    @Path("users/{id}")
    public String increment(@PathParam("id") String id) {
        return Long.toString(redis.incr(key(id)));
    }

    @GET
    @Path("healthz")
    public String check() {
        return "✓";
    }

    private static String key(String id) {
        return "user:{" + id + "}";
    }
}
