package usercounter.api;

import jakarta.inject.Inject;
import jakarta.json.bind.Jsonb;
import jakarta.json.bind.JsonbBuilder;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.StatusType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The error page (web.xml): sends a {@link Problem} for requests that are rejected before they reach Jakarta REST. */
@WebServlet(ErrorServlet.PATH)
public class ErrorServlet extends HttpServlet {

    static final String PATH = "/error";

    /** The optional request attribute with the reason for the rejection: one sentence for the caller. */
    static final String DETAIL = ErrorServlet.class.getName();

    private static final long serialVersionUID = 1L;
    private static final Jsonb JSONB = JsonbBuilder.create();

    @Inject
    private transient RequestMetrics metrics;

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) {
        long start = System.nanoTime();
        StatusType status = status(request);
        response.setStatus(status.getStatusCode());
        response.setContentType(Problem.MEDIA_TYPE);
        try {
            response.getOutputStream()
                    .write(JSONB.toJson(Problem.of(status, detail(request, status)))
                            .getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // The client has disconnected. If thrown, the exception would write two stack traces to Liberty's log.
        }
        metrics.update(method(request), RequestMetrics.NO_ROUTE, status.getStatusCode(), start);
    }

    /** The method of the rejected request. Liberty dispatches to the error page with GET. */
    private static String method(HttpServletRequest request) {
        return request.getAttribute(RequestDispatcher.ERROR_METHOD) instanceof String method
                ? method
                : request.getMethod();
    }

    private static StatusType status(HttpServletRequest request) {
        int code = request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer error
                ? error
                : HttpServletResponse.SC_NOT_FOUND; // not an error dispatch: a client requested this path directly
        return Response.status(code).build().getStatusInfo();
    }

    private static String detail(HttpServletRequest request, StatusType status) {
        if (request.getAttribute(DETAIL) instanceof String detail) {
            return detail;
        }
        return switch (status.getStatusCode()) {
            case HttpServletResponse.SC_BAD_REQUEST -> "The path or a header is malformed";
            case HttpServletResponse.SC_NOT_FOUND -> Problem.NOT_FOUND;
            default -> status.getReasonPhrase();
        };
    }
}
