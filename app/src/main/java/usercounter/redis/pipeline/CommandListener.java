package usercounter.redis.pipeline;

/** Learns what happens to one command. A command that is redirected is sent, and replied to, more than once. */
public interface CommandListener {

    /** Learns nothing. */
    CommandListener NONE = new CommandListener() {};

    /**
     * The command no longer waits: its batch has a connection.
     *
     * @param commands number of commands in the batch
     */
    default void sent(int commands) {}

    /** The batch has its replies. */
    default void replied() {}
}
