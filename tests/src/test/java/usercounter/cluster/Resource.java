package usercounter.cluster;

import java.util.UUID;

/**
 * The resource with which the tests of the platform send their requests. A GET returns how many POSTs it has got, as a
 * number; a POST returns the new number, and counts once for each idempotency key. A service without the example replaces
 * these constants by those of a resource of its own that does the same.
 */
final class Resource {

    /** Its route in metrics and traces. */
    static final String ROUTE = "/users/{id}";

    /** The Redis command of a POST with an idempotency key. */
    static final String COMMAND = "EVAL";

    private Resource() {}

    /** The path of one resource, such as that of a user. */
    static String path(String id) {
        return ROUTE.replace("{id}", id);
    }

    /** The path of a resource that no other test uses. */
    static String newPath() {
        return path("test-" + UUID.randomUUID());
    }

    /** The Redis key of a resource. */
    static String key(String id) {
        return "user:{" + id + "}";
    }
}
