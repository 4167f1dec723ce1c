package usercounter.redis;

/**
 * The part of one Redis command in the trace of its request. This class records nothing. With components/tracing, the
 * server has the classes of OpenTelemetry, and {@link RecordedTrace} records. Without them, the JVM never loads that
 * class, so the calls of these methods cost nothing.
 */
public class CommandTrace {

    static final CommandTrace NONE = new CommandTrace();

    private static final boolean AVAILABLE = isAvailable();

    CommandTrace() {}

    /**
     * Starts when a request submits a command, on the thread of the request.
     *
     * @param operation the name of the command, such as GET
     */
    public static CommandTrace start(String operation) {
        return AVAILABLE ? RecordedTrace.startIfSampled(operation) : NONE;
    }

    private static boolean isAvailable() {
        try {
            Class.forName("io.opentelemetry.api.OpenTelemetry", false, CommandTrace.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /**
     * The command no longer waits: its batch has a connection.
     *
     * @param commands number of commands in the batch
     */
    void sent(int commands) {}

    /** The batch has its replies. */
    void replied() {}

    /**
     * The request gets the result.
     *
     * @param failure why the command failed, or null
     */
    public void completed(Throwable failure) {}

    /** The id of the trace, in hexadecimal digits; empty if nothing is recorded. */
    public String id() {
        return "";
    }
}
