package usercounter.another;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.ClientErrorException;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.RedirectionException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;

/** Bodies, parameters and failures, as another team writes them. */
@Path("/orders")
@ApplicationScoped
public class OrdersResource {

    /** A body. */
    public static class Order {
        public String item;
        public int amount;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Produces(MediaType.APPLICATION_JSON)
    public Order create(Order order, @QueryParam("times") int times) {
        order.amount *= times;
        return order;
    }

    @DELETE
    @Path("/{id}")
    public void delete(@PathParam("id") long id) {}

    @GET
    @Path("/{id}/page")
    public Response redirect(@PathParam("id") long id) {
        throw new RedirectionException(Response.Status.SEE_OTHER, URI.create("/"));
    }

    @GET
    @Path("/failures/{status}")
    public Response fail(@PathParam("status") int status) {
        throw new ClientErrorException("Why it is " + status, status);
    }

    @GET
    @Path("/busy")
    public Response fail() {
        throw new ClientErrorException(
                Response.status(429).header("Retry-After", 7).build());
    }

    @GET
    @Path("/own")
    public Response failInItsOwnWay() {
        throw new ClientErrorException(Response.status(409)
                .entity("{\"own\":1}")
                .type("application/json")
                .build());
    }
}
