package usercounter;

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

/** Answers every exception with a {@link Problem}. */
@Provider
public class ProblemMapper implements ExceptionMapper<Throwable> {

    private static final Logger LOG = Logger.getLogger(ProblemMapper.class.getName());

    /** Seconds; the service notices a Redis that is back at once. */
    private static final int RETRY_AFTER = 1;

    @Override
    public Response toResponse(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        if (cause instanceof CounterException counterException) {
            return answer(counterException);
        }
        if (cause instanceof WebApplicationException webException) {
            return answer(webException);
        }
        LOG.log(Level.SEVERE, "A request failed unexpectedly", cause);
        return problem(Status.INTERNAL_SERVER_ERROR, "Something failed unexpectedly; the log says what")
                .build();
    }

    private static Response answer(CounterException failure) {
        Status status = switch (failure.reason()) {
            case INVALID_ID, INVALID_IDEMPOTENCY_KEY -> Status.BAD_REQUEST;
            case OVERFLOW -> Status.CONFLICT;
            case CORRUPT -> Status.INTERNAL_SERVER_ERROR;
            case UNAVAILABLE -> Status.SERVICE_UNAVAILABLE;
        };
        ResponseBuilder answer = problem(status, failure.getMessage());
        if (status == Status.SERVICE_UNAVAILABLE) {
            answer.header(HttpHeaders.RETRY_AFTER, RETRY_AFTER);
        }
        return answer.build();
    }

    private static Response answer(WebApplicationException failure) {
        Status status = Status.fromStatusCode(failure.getResponse().getStatus());
        String detail = switch (status) {
            case BAD_REQUEST -> failure.getMessage();
            case NOT_FOUND -> "There is nothing at this path";
            case METHOD_NOT_ALLOWED -> "This path has other methods, see Allow";
            case NOT_ACCEPTABLE -> "This resource has other media types, see /openapi";
            default -> status.getReasonPhrase();
        };
        return problem(status, detail)
                .header(HttpHeaders.ALLOW, failure.getResponse().getHeaderString(HttpHeaders.ALLOW))
                .build();
    }

    private static ResponseBuilder problem(StatusType status, String detail) {
        return Response.status(status).type(Problem.MEDIA_TYPE).entity(Problem.of(status, detail));
    }
}
