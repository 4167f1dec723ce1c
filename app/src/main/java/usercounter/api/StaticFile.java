package usercounter.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.InputStream;

/** A file of the class path as an answer. Jakarta REST has all paths, so Liberty serves no files itself. */
public final class StaticFile {

    public static final String CSS = "text/css";
    public static final String JAVASCRIPT = "text/javascript";

    private StaticFile() {}

    /**
     * @param path from the root of the class path
     * @param type the media type
     */
    public static Response answer(String path, String type) {
        StreamingOutput content = body -> {
            try (InputStream file = StaticFile.class.getResourceAsStream(path)) {
                file.transferTo(body);
            }
        };
        return Response.ok(content, type)
                .header(HttpHeaders.CACHE_CONTROL, "no-cache") // asks each time, so a new version is seen at once
                .build();
    }
}
