package usercounter.api;

/** An entity that {@link PlainTextWriter} writes as {@code text/plain}. */
interface PlainText {

    String text();
}
