package usercounter.settings;

/** An environment variable is invalid. The message is one line: the variable, its value, and the allowed values. */
public class InvalidSettingException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /**
     * @param variable the environment variable
     * @param value its value, without passwords; control characters are replaced by '?'
     * @param allowed the allowed values
     */
    public InvalidSettingException(String variable, String value, String allowed) {
        super("%s=%s: %s".formatted(variable, value.replaceAll("\\p{Cntrl}", "?"), allowed), null, false, false);
    }
}
