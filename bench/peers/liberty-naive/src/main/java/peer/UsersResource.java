package peer;

import jakarta.annotation.PostConstruct;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;

// Other peers compile this file, too.
@Path("/")
@Produces(MediaType.TEXT_PLAIN)
@ApplicationScoped
public class UsersResource {

    private RedisClient redis;

    @PostConstruct
    void open() {
        ConnectionPoolConfig pool = new ConnectionPoolConfig();
        pool.setMaxTotal(64);
        pool.setMaxIdle(64);
        redis = RedisClient.builder()
                .hostAndPort(HostAndPort.from(System.getenv("REDIS_URL")))
                .poolConfig(pool)
                .build();
    }

    @PreDestroy
    void close() {
        redis.close();
    }

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
