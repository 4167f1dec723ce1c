package usercounter;

/** An environment variable has a value that cannot be used; the message is one line that names all three. */
public class InvalidSettingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * @param variable the environment variable
     * @param value its value, with any password already taken out
     * @param allowed what would be accepted
     */
    public InvalidSettingException(String variable, String value, String allowed) {
        super("%s=%s: %s".formatted(variable, value, allowed), null, false, false);
    }
}
