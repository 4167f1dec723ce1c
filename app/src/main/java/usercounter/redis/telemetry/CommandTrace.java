package usercounter.redis.telemetry;

import usercounter.LogFields;
import usercounter.redis.pipeline.CommandListener;

/** The part of one Redis command in the trace of its request. */
public interface CommandTrace extends CommandListener {

    /** Records nothing. */
    CommandTrace NONE = new CommandTrace() {};

    /**
     * The request gets the result.
     *
     * @param failure why the command failed, or null
     */
    default void completed(Throwable failure) {}

    /**
     * Starts when a request submits a command, on the thread of the request. Without components/tracing, the server has
     * no classes of OpenTelemetry, and the JVM never loads {@link RecordedTrace}.
     *
     * @param operation the name of the command, such as GET
     */
    static CommandTrace start(String operation) {
        return LogFields.HAS_TRACES ? RecordedTrace.startIfSampled(operation) : NONE;
    }
}
