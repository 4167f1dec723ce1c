package usercounter.api;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The media types that a client accepts. Parameters other than {@code q} are ignored: a client that asks for another
 * charset or version of a type gets the only one that the service has.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1">RFC 9110, 12.5.1 Accept</a>
 */
final class Accept {

    private static final Pattern ESCAPED = Pattern.compile("\\\\.");
    private static final Pattern QUOTED = Pattern.compile("\"[^\"]*\"");
    private static final Pattern MEDIA_RANGE = Pattern.compile("[\\w!#$%&'*+.^`|~-]+/[\\w!#$%&'*+.^`|~-]+");

    private static final Pattern WEIGHT = Pattern.compile("[qQ]=(.*)");

    /** Wider than RFC 9110, 12.4.2: old clients omit the zero or write more digits. */
    private static final Pattern QUALITY = Pattern.compile("0?\\.\\d+|0\\.?|1(?:\\.0*)?");

    /** The qualities by media range. */
    private final Map<String, Double> qualities = new HashMap<>();

    /**
     * @param values the values of all {@code Accept} headers of the request
     * @throws IllegalArgumentException if a value is not a list of media ranges; the message is for the client
     */
    Accept(List<String> values) {
        // Commas and semicolons inside quotes do not separate anything.
        String unquoted = QUOTED.matcher(
                        ESCAPED.matcher(String.join(",", values)).replaceAll(""))
                .replaceAll("x");
        for (String element : unquoted.split(",")) {
            if (!element.isBlank()) {
                add(element.strip());
            }
        }
    }

    private void add(String element) {
        String[] parts = element.split(";");
        String range = parts.length == 0 ? "" : parts[0].strip().toLowerCase(Locale.ROOT);
        if (range.equals("*")) { // sent by java.net.HttpURLConnection up to JDK 17.0.11
            range = "*/*";
        }
        require(MEDIA_RANGE.matcher(range).matches());
        double quality = 1;
        for (String part : parts) {
            Matcher weight = WEIGHT.matcher(part.strip());
            if (weight.matches()) {
                require(QUALITY.matcher(weight.group(1)).matches());
                quality = Double.parseDouble(weight.group(1));
            }
        }
        qualities.merge(range, quality, Math::max);
    }

    private static void require(boolean wellFormed) {
        if (!wellFormed) {
            throw new IllegalArgumentException(
                    "Accept is a list of type/subtype, type/* or */*, each with an optional q from 0 to 1");
        }
    }

    /**
     * @param offered the media types of the service, in its order of preference
     * @return those that the client accepts, in the client's order of preference
     */
    List<String> choose(List<String> offered) {
        if (qualities.isEmpty()) {
            return offered;
        }
        return offered.stream()
                .filter(type -> quality(type) > 0)
                .sorted(Comparator.comparing(this::quality)
                        .thenComparing(qualities::containsKey)
                        .reversed())
                .toList();
    }

    /** The quality of the most specific range that includes the type. */
    private double quality(String type) {
        double any = qualities.getOrDefault("*/*", 0.0);
        double anySubtype = qualities.getOrDefault(type.substring(0, type.indexOf('/')) + "/*", any);
        return qualities.getOrDefault(type, anySubtype);
    }
}
