package usercounter;

/** Why a counter could not be read or incremented. */
public class CounterException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** What went wrong, as far as a caller can act on it. */
    public enum Reason {
        /** The id is none; Redis was not asked. */
        INVALID_ID,
        /** The idempotency key is none; Redis was not asked. */
        INVALID_IDEMPOTENCY_KEY,
        /** The counter stands at 2^63-1 and stays there. */
        OVERFLOW,
        /** What Redis holds under the key is no counter; it stays as it is. */
        CORRUPT,
        /** Redis did not answer in time, or could not serve; an increment may or may not have been counted. */
        UNAVAILABLE
    }

    private final Reason reason;

    /**
     * @param reason what went wrong
     * @param message one sentence for the caller, without anything internal
     */
    public CounterException(Reason reason, String message) {
        // No stack trace: these are answers, and an outage makes thousands of them a second.
        super(message, null, false, false);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }
}
