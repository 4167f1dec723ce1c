package usercounter.api;

/** An entity that {@link PlainTextWriter} writes as {@code text/plain}. */
public interface PlainText {

    String text();
}
