package usercounter;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where Redis is: {@code host:port}, or a URI {@code redis://[[user]:password@]host[:port][/database]};
 * {@code rediss} means TLS.
 *
 * @param tls whether the connection is encrypted, with the server's name checked
 * @param host a name or an address
 * @param port 1 to 65535, 6379 unless given
 * @param user the ACL user; empty for Redis's {@code default}
 * @param password empty for none
 * @param database 0 or more
 * @see <a href="https://www.iana.org/assignments/uri-schemes/prov/redis">The redis URI scheme</a>
 */
public record RedisAddress(
        boolean tls, String host, int port, Optional<String> user, Optional<String> password, int database) {

    static final String ALLOWED =
            "allowed are host:port, redis://[user:password@]host[:port][/database] and rediss://…";

    private static final Pattern BARE = Pattern.compile("[^/@\\s]+");
    private static final Pattern DATABASE = Pattern.compile("/?|/\\d{1,4}");
    private static final int DEFAULT_PORT = 6379;

    /**
     * @param variable the environment variable that holds {@code text}, for the error
     * @throws InvalidSettingException if {@code text} is no such address
     */
    static RedisAddress parse(String variable, String text) {
        try {
            URI uri = new URI(BARE.matcher(text).matches() ? "redis://" + text : text);
            boolean tls = "rediss".equals(uri.getScheme());
            int port = uri.getPort() == -1 ? DEFAULT_PORT : uri.getPort();
            if ((tls || "redis".equals(uri.getScheme()))
                    && uri.getHost() != null
                    && port >= 1
                    && port <= 65535
                    && DATABASE.matcher(uri.getPath()).matches()
                    && uri.getQuery() == null
                    && uri.getFragment() == null) {
                String[] userInfo = uri.getRawUserInfo() == null
                        ? new String[0]
                        : uri.getRawUserInfo().split(":", 2);
                if (userInfo.length != 1) { // a user without a password is a slip
                    return new RedisAddress(
                            tls,
                            uri.getHost(),
                            port,
                            userInfo.length == 0 ? Optional.empty() : decoded(userInfo[0]),
                            userInfo.length == 0 ? Optional.empty() : decoded(userInfo[1]),
                            uri.getPath().length() < 2
                                    ? 0
                                    : Integer.parseInt(uri.getPath().substring(1)));
                }
            }
        } catch (URISyntaxException e) {
            // answered below, without the value that the exception quotes
        }
        throw new InvalidSettingException(variable, text.replaceAll("^(\\w+://)?.*@", "$1***@"), ALLOWED);
    }

    private static Optional<String> decoded(String part) {
        String text = URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    /** The address without user and password. */
    @Override
    public String toString() {
        return "%s://%s:%d/%d".formatted(tls ? "rediss" : "redis", host, port, database);
    }
}
