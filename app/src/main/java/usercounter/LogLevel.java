package usercounter;

import java.util.logging.Level;

/** Liberty's log levels that {@link Level} does not have. */
public final class LogLevel {

    /** Between INFO and WARNING. Liberty's console shows this level and higher ones. */
    public static final Level AUDIT = Level.parse("AUDIT");

    private LogLevel() {}
}
