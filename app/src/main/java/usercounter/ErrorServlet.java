package usercounter;

import jakarta.json.bind.Jsonb;
import jakarta.json.bind.JsonbBuilder;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.core.Response.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The error page (web.xml): answers with a {@link Problem} what Liberty refuses before Jakarta REST sees it. */
@WebServlet(ErrorServlet.PATH)
public class ErrorServlet extends HttpServlet {

    static final String PATH = "/error";

    private static final long serialVersionUID = 1L;
    private static final Jsonb JSONB = JsonbBuilder.create();

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Status status = status(request);
        response.setStatus(status.getStatusCode());
        response.setContentType(Problem.MEDIA_TYPE);
        response.getOutputStream()
                .write(JSONB.toJson(Problem.of(status, detail(status))).getBytes(StandardCharsets.UTF_8));
    }

    private static Status status(HttpServletRequest request) {
        if (request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer code) {
            return Objects.requireNonNullElse(Status.fromStatusCode(code), Status.INTERNAL_SERVER_ERROR);
        }
        return Status.NOT_FOUND; // not an error's dispatch, but a client's own request for this path
    }

    private static String detail(Status status) {
        return switch (status) {
            case BAD_REQUEST -> "The path or a header is malformed";
            case NOT_FOUND -> "There is nothing at this path";
            default -> status.getReasonPhrase();
        };
    }
}
