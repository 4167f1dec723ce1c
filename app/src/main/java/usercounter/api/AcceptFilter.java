package usercounter.api;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.annotation.WebFilter;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Replaces {@code Accept} by a simple list: the media types that the service offers and the client accepts. RESTEasy,
 * Liberty's Jakarta REST implementation, serves types with {@code q=0} and ignores which range is the most specific.
 * RESTEasy also parses the header before its own filters run, and rejects values that {@link Accept} understands. So
 * this is a servlet filter. It also keeps clients of {@code /metrics} from asking for Protobuf, which is not in the WAR.
 */
@WebFilter(urlPatterns = "/*", asyncSupported = true)
public class AcceptFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;

    /** The media types that the resources produce, the preferred one first. */
    private static final List<String> OFFERED = List.of(MediaType.TEXT_PLAIN, MediaType.APPLICATION_JSON);

    private static final List<String> ANYTHING = List.of(MediaType.WILDCARD);

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        List<String> values = Collections.list(request.getHeaders(HttpHeaders.ACCEPT));
        if (values.isEmpty() || values.equals(ANYTHING)) { // most requests, and RESTEasy reads both correctly
            chain.doFilter(request, response);
            return;
        }
        List<String> chosen;
        try {
            chosen = new Accept(values).choose(OFFERED);
        } catch (IllegalArgumentException e) {
            request.setAttribute(ErrorServlet.DETAIL, e.getMessage());
            response.sendError(HttpServletResponse.SC_BAD_REQUEST);
            return;
        }
        chain.doFilter(new Request(request, header(chosen)), response);
    }

    /**
     * For a client that accepts none of the offered types, RESTEasy answers 406, or another error that it finds first.
     */
    private static String header(List<String> chosen) {
        return chosen.isEmpty()
                ? Problem.MEDIA_TYPE
                : IntStream.range(0, chosen.size())
                        .mapToObj(i -> chosen.get(i) + ";q=0." + (9 - i))
                        .collect(Collectors.joining(","));
    }

    private static final class Request extends HttpServletRequestWrapper {

        private final String accept;

        private Request(HttpServletRequest request, String accept) {
            super(request);
            this.accept = accept;
        }

        @Override
        public String getHeader(String name) {
            return name.equalsIgnoreCase(HttpHeaders.ACCEPT) ? accept : super.getHeader(name);
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            return name.equalsIgnoreCase(HttpHeaders.ACCEPT)
                    ? Collections.enumeration(List.of(accept))
                    : super.getHeaders(name);
        }
    }
}
