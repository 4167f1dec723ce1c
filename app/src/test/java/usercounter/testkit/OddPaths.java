package usercounter.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Locale;
import java.util.stream.Stream;
import redis.clients.jedis.Jedis;

/** Paths in which programs between a client and the service may decode or resolve something. */
public final class OddPaths {

    private static final String PATHS = """
            /resource/same /resource/%73ame /resource/s%61me?%2f..%2f
            /resource/x%2f..%2fsame /resource/x%2f%2e%2e%2Fsame /resource/x%5c..%5csame /resource/x\\..\\same
            /resource/x/../same /resource/./same /resource/%2e/same /resource/x/%2e%2e/same
            /resource/same/ /resource/same/. /resource/same%2f /resource/same%2f. /resource/%2fsame /resource/%252fsame
            /resource/same%00 /resource/same%zz /resource/same#x /resource/same%23x /resource/same%3fx
            /resource/same| /resource/same<>"^`{} /resource/same; /resource/same;a=b /resource/same%3b
            /resource;a=b/same /resource/x;/../same /resource/..;/same /resource/..%2fhealthz
            /resource//same //resource/same /x/../resource/same /x%2f..%2fresource/same /./resource/same /%2e/resource/same
            /../resource/same /%2e%2e/resource/same /%2fresource/same /resource%2fsame /RESOURCE/same
            http://x/resource/same http://x//resource/same http://x/resource/x%2f..%2fsame
            /x/../healthz /%68ealthz /healthz;x /docs/x/../start.js /docs%2fstart.js /docs/%73tart.js
            /nothing| /nothing/%5c /nothing/%2e /x/..
            """;

    private OddPaths() {}

    /** @param resource the first part of the paths that lead to a resource called {@code same} */
    public static Stream<String> of(String resource) {
        return Stream.of(PATHS.replace("resource", resource)
                .replace("RESOURCE", resource.toUpperCase(Locale.ROOT))
                .split("\\s+"));
    }

    /**
     * nginx answers like the service, and a POST counts if it is answered 200.
     *
     * @param keys the pattern of all keys of the resource, which have numbers
     */
    public static void assertMeansTheSame(String path, Endpoint nginx, ServerOnRedis server, String keys)
            throws IOException {
        assertThat(nginx.exchange("GET", path))
                .startsWith(server.exchange("GET", path).substring(0, 12));

        long before = sum(server, keys);
        String answer = nginx.exchange("POST", path);
        assertThat(sum(server, keys) - before).isEqualTo(answer.startsWith("HTTP/1.1 200 ") ? 1 : 0);
    }

    private static long sum(ServerOnRedis server, String keys) {
        try (Jedis client = server.jedis()) {
            return client.keys(keys).stream()
                    .mapToLong(key -> Long.parseLong(client.get(key)))
                    .sum();
        }
    }
}
