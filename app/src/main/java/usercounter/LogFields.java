package usercounter;

import io.opentelemetry.api.trace.Span;
import java.lang.reflect.Method;
import java.util.Map;

/**
 * The fields of a log line that name its request. Liberty writes them into each line of JSON that the thread logs.
 *
 * @param requestId the id that nginx has given the request; empty for none
 * @param traceId the id of the request's trace, in hexadecimal digits; empty if nothing is recorded
 * @see <a href="https://openliberty.io/blog/2019/12/03/custom-fields-json-logs.html">LogRecordContext</a>
 */
public record LogFields(String requestId, String traceId) {

    /** Whether the server has the classes of OpenTelemetry, see components/tracing. */
    public static final boolean HAS_TRACES = hasTraces();

    private static final ThreadLocal<String> REQUEST = new ThreadLocal<>();

    /** Null outside of Liberty, as in unit tests. By reflection, since no Maven repository has Liberty's API. */
    private static final Method ADD = method("addExtension", String.class, String.class);

    private static final Method REMOVE = method("removeExtension", String.class);

    private static boolean hasTraces() {
        try {
            Class.forName("io.opentelemetry.api.OpenTelemetry", false, LogFields.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

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

    /** The fields of the request that this thread serves. */
    public static LogFields current() {
        String requestId = REQUEST.get();
        return new LogFields(requestId == null ? "" : requestId, HAS_TRACES ? recorded() : "");
    }

    private static String recorded() {
        Span span = Span.current();
        return span.isRecording() ? span.getSpanContext().getTraceId() : "";
    }

    /** Runs code that logs, on any thread. */
    public void with(Runnable log) {
        Map<String, String> fields = Map.of("request_id", requestId, "trace_id", traceId);
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
