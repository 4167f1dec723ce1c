package usercounter.api;

import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.ResponseBuilder;
import jakarta.ws.rs.core.Response.Status;
import jakarta.ws.rs.core.Response.StatusType;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import java.util.concurrent.CompletionException;
import java.util.logging.Level;
import java.util.logging.Logger;
import usercounter.LogFields;
import usercounter.redis.RedisUnavailableException;

/** Turns every exception into a response with a {@link Problem}. */
@Provider
public class ProblemMapper implements ExceptionMapper<Throwable> {

    private static final Logger LOG = Logger.getLogger(ProblemMapper.class.getName());

    /** In seconds. One is enough, since the service reconnects to Redis at once. */
    private static final int RETRY_AFTER = 1;

    @Override
    public Response toResponse(Throwable failure) {
        return answer(failure);
    }

    /** The response to a failure, for resources that respond later. */
    public static Response answer(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        if (cause instanceof RedisUnavailableException) {
            return problem(Status.SERVICE_UNAVAILABLE, cause.getMessage())
                    .header(HttpHeaders.RETRY_AFTER, RETRY_AFTER)
                    .build();
        }
        if (cause instanceof WebApplicationException webException) {
            return answer(webException);
        }
        LogFields.current().with(() -> LOG.log(Level.SEVERE, "A request failed with an unexpected exception", cause));
        return problem(Status.INTERNAL_SERVER_ERROR, "An unexpected error occurred: see the service's log")
                .build();
    }

    /** A response with a body, or without an error, is what the resource wants to send. */
    private static Response answer(WebApplicationException failure) {
        Response response = failure.getResponse();
        if (response.hasEntity() || response.getStatus() < Status.BAD_REQUEST.getStatusCode()) {
            return response;
        }
        StatusType status = response.getStatusInfo();
        return Response.fromResponse(response)
                .type(Problem.MEDIA_TYPE)
                .entity(Problem.of(status, detail(failure, status)))
                .build();
    }

    /** The message of an exception that a resource throws; RESTEasy's and Jakarta REST's own are not for clients. */
    private static String detail(WebApplicationException failure, StatusType status) {
        String message = failure.getMessage();
        if (!message.startsWith("RESTEASY") && !message.startsWith("HTTP " + status.getStatusCode())) {
            return message;
        }
        Status known = Status.fromStatusCode(status.getStatusCode());
        if (known == null) { // the enum has not all of them
            return status.getReasonPhrase();
        }
        return switch (known) {
            case BAD_REQUEST -> "The request is malformed: /docs describes it";
            case NOT_FOUND -> Problem.NOT_FOUND;
            case METHOD_NOT_ALLOWED -> "This path does not support this method: use one of those in the header Allow";
            case NOT_ACCEPTABLE -> "Accept allows no media type of this resource: allow text/plain, for example";
            case UNSUPPORTED_MEDIA_TYPE ->
                "This resource does not read this Content-Type: /docs has those that it reads";
            default -> status.getReasonPhrase();
        };
    }

    private static ResponseBuilder problem(StatusType status, String detail) {
        return Response.status(status).type(Problem.MEDIA_TYPE).entity(Problem.of(status, detail));
    }
}
