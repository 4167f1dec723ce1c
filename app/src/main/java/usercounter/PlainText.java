package usercounter;

/** What {@link PlainTextWriter} can write as {@code text/plain}. */
interface PlainText {

    /** The body. */
    String text();
}
