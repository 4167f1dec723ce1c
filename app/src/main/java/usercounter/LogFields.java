package usercounter;

import java.lang.reflect.Method;
import java.util.Map;

/**
 * The fields of a log line that name its request. Liberty writes them into each line of JSON that the thread logs.
 *
 * @see <a href="https://openliberty.io/blog/2019/12/03/custom-fields-json-logs.html">LogRecordContext</a>
 */
public final class LogFields {

    private static final String REQUEST_ID = "request_id";
    private static final String TRACE_ID = "trace_id";

    private static final ThreadLocal<String> REQUEST = new ThreadLocal<>();

    /** Null outside of Liberty, as in unit tests. By reflection, since no Maven repository has Liberty's API. */
    private static final Method ADD = method("addExtension", String.class, String.class);

    private static final Method REMOVE = method("removeExtension", String.class);

    private LogFields() {}

    private static Method method(String name, Class<?>... parameters) {
        try {
            return Class.forName("com.ibm.websphere.logging.hpel.LogRecordContext")
                    .getMethod(name, parameters);
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }

    /** Remembers the id of the request that this thread starts to serve, or null. */
    public static void arrived(String requestId) {
        REQUEST.set(requestId);
    }

    /** The id of the request that this thread has started to serve, or null. */
    public static String requestId() {
        return REQUEST.get();
    }

    /**
     * Runs code that logs.
     *
     * @param requestId null or empty for none
     * @param traceId null or empty for none
     */
    public static void with(String requestId, String traceId, Runnable log) {
        Map<String, String> fields = Map.of(REQUEST_ID, text(requestId), TRACE_ID, text(traceId));
        fields.forEach((name, value) -> {
            if (!value.isEmpty()) {
                call(ADD, name, value);
            }
        });
        try {
            log.run();
        } finally {
            fields.keySet().forEach(name -> call(REMOVE, name));
        }
    }

    private static String text(String value) {
        return value == null ? "" : value;
    }

    private static void call(Method method, Object... arguments) {
        if (method != null) {
            try {
                method.invoke(null, arguments);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
