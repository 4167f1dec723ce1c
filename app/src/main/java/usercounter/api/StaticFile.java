package usercounter.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** A file of the class path as an answer. Jakarta REST has all paths, so Liberty serves no files itself. */
final class StaticFile {

    static final String CSS = "text/css";
    static final String JAVASCRIPT = "text/javascript";

    private StaticFile() {}

    /**
     * @param path from the root of the class path
     * @param type the media type
     */
    static Response answer(String path, String type) {
        try (InputStream file = StaticFile.class.getResourceAsStream(path)) {
            return Response.ok(file.readAllBytes(), type)
                    .header(HttpHeaders.CACHE_CONTROL, "no-cache") // asks each time, so a new version is seen at once
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
