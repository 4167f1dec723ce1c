package usercounter.counters;

/** Why a counter could not be read or incremented. */
public class CounterException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** The kinds of failure that a caller handles in different ways. */
    public enum Reason {
        /** The counter is at its maximum, 2^63-1, and was not changed. */
        OVERFLOW,
        /** The value in Redis is not a number, and was not changed. */
        CORRUPT,
        /** Redis did not answer in time or refused the command. An increment may or may not have been counted. */
        UNAVAILABLE
    }

    private final Reason reason;

    /**
     * @param reason what went wrong
     * @param message one sentence for the caller, without internal details
     */
    public CounterException(Reason reason, String message) {
        // No stack trace: an outage creates thousands of these exceptions a second.
        super(message, null, false, false);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
