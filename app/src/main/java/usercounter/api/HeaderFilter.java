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
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Shows RESTEasy, Liberty's Jakarta REST implementation, only what it reads correctly. RESTEasy parses the path and some
 * headers before its own filters run, so this is a servlet filter.
 *
 * <ul>
 *   <li>A path with a character that no URI may contain is 400: RESTEasy would fail with an exception.
 *   <li>{@code Accept} becomes a simple list: the media types that the service offers and the client accepts. RESTEasy
 *       serves types with {@code q=0}, ignores which range is the most specific, and rejects values that {@link Accept}
 *       understands. The list also keeps clients of {@code /metrics} from asking for Protobuf, which is not in the WAR.
 *   <li>A malformed {@code Content-Type} is hidden: it would be 400 even where nothing reads a body. A resource that reads
 *       one gives 415. {@code Accept-Language}, which nothing reads, is hidden for the same reason.
 * </ul>
 */
@WebFilter(urlPatterns = "/*", asyncSupported = true)
public class HeaderFilter extends HttpFilter {

    private static final long serialVersionUID = 1L;

    /** The media types that the resources produce, the preferred one first. {@code AcceptTest} knows a missing one. */
    static final List<String> OFFERED = List.of(MediaType.TEXT_PLAIN, MediaType.APPLICATION_JSON);

    private static final List<String> ANYTHING = List.of(MediaType.WILDCARD);

    /** RFC 9110, 8.3.1. */
    private static final Pattern MEDIA_TYPE =
            Pattern.compile("TOKEN/TOKEN(?:[ \\t]*;[ \\t]*TOKEN=(?:TOKEN|\"(?:[^\"\\\\]|\\\\.)*\"))*"
                    .replace("TOKEN", "[\\w!#$%&'*+.^`|~-]+"));

    /** RESTEasy takes the space for a part of the subtype. */
    private static final Pattern SPACE_BEFORE_PARAMETER = Pattern.compile("[ \\t]+;");

    /** RFC 3986, 2. */
    private static final Pattern URI_CHARACTERS = Pattern.compile("[\\w!#$%&'()*+,./:;=?@\\[\\]~-]*");

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        List<String> accept;
        try {
            if (!URI_CHARACTERS.matcher(request.getRequestURI()).matches()) {
                throw new IllegalArgumentException("The path contains a character that no URI may contain: encode it");
            }
            accept = simplified(Collections.list(request.getHeaders(HttpHeaders.ACCEPT)));
        } catch (IllegalArgumentException e) {
            request.setAttribute(ErrorServlet.DETAIL, e.getMessage());
            response.sendError(HttpServletResponse.SC_BAD_REQUEST);
            return;
        }
        chain.doFilter(new Request(request, accept), response);
    }

    /**
     * For a client that accepts none of the offered types, RESTEasy answers 406, or another error that it finds first.
     */
    private static List<String> simplified(List<String> accept) {
        if (accept.isEmpty() || accept.equals(ANYTHING)) { // most requests, and RESTEasy reads both correctly
            return accept;
        }
        List<String> chosen = new Accept(accept).choose(OFFERED);
        return List.of(
                chosen.isEmpty()
                        ? Problem.MEDIA_TYPE
                        : IntStream.range(0, chosen.size())
                                .mapToObj(i -> chosen.get(i) + ";q=0." + (9 - i))
                                .collect(Collectors.joining(",")));
    }

    private static final class Request extends HttpServletRequestWrapper {

        private final List<String> accept;
        private final String contentType;

        private Request(HttpServletRequest request, List<String> accept) {
            super(request);
            this.accept = accept;
            this.contentType = wellFormed(request.getContentType());
        }

        private static String wellFormed(String type) {
            return type != null && MEDIA_TYPE.matcher(type).matches()
                    ? SPACE_BEFORE_PARAMETER.matcher(type).replaceAll(";")
                    : null;
        }

        @Override
        public String getContentType() {
            return contentType;
        }

        @Override
        public String getHeader(String name) {
            Enumeration<String> values = getHeaders(name);
            return values.hasMoreElements() ? values.nextElement() : null;
        }

        @Override
        public Enumeration<String> getHeaders(String name) {
            if (name.equalsIgnoreCase(HttpHeaders.ACCEPT)) {
                return Collections.enumeration(accept);
            }
            if (name.equalsIgnoreCase(HttpHeaders.CONTENT_TYPE)) {
                return contentType == null
                        ? Collections.emptyEnumeration()
                        : Collections.enumeration(List.of(contentType));
            }
            if (name.equalsIgnoreCase(HttpHeaders.ACCEPT_LANGUAGE)) {
                return Collections.emptyEnumeration();
            }
            return super.getHeaders(name);
        }
    }
}
