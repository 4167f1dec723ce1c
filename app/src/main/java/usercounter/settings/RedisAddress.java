package usercounter.settings;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import redis.clients.jedis.HostAndPort;

/**
 * The address of Redis: {@code host:port}, a URI {@code redis://[[user][:password]@]host[:port][/database]}, or
 * {@code redis-cluster://[[user][:password]@]host[:port][,host[:port]…]} with some nodes of a Redis Cluster.
 * {@code rediss} means TLS.
 *
 * @param tls whether the connection uses TLS, with a check of the server's name
 * @param cluster whether this is a Redis Cluster
 * @param nodes one node, or one or more nodes of a cluster; the default port is 6379
 * @param user the ACL user; empty for the user {@code default}
 * @param password the password; empty for none
 * @param database the number of the database; always 0 for a cluster
 * @see <a href="https://www.iana.org/assignments/uri-schemes/prov/redis">The redis URI scheme</a>
 */
public record RedisAddress(
        boolean tls,
        boolean cluster,
        List<HostAndPort> nodes,
        Optional<String> user,
        Optional<String> password,
        int database) {

    public static final String ALLOWED = "allowed are host:port, redis://[user[:password]@]host[:port][/database], "
            + "redis-cluster://[user[:password]@]host[:port][,host[:port]…], and rediss instead of redis for TLS";

    private static final String NODE = "(?:[\\w.-]+|\\[[\\da-fA-F:.]+])(?::\\d{1,5})?";
    private static final Pattern BARE = Pattern.compile(NODE);
    private static final Pattern URI = Pattern.compile("redis(?<tls>s?)(?<cluster>-cluster)?://"
            + "(?:(?!@)(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?"
            + "(?<nodes>" + NODE + "(?:," + NODE + ")*)"
            + "(?:/(?<database>\\d{0,4}))?");
    private static final int DEFAULT_PORT = 6379;

    public RedisAddress {
        nodes = List.copyOf(nodes);
    }

    /**
     * @param variable the environment variable with the value {@code text}, for the error message
     * @throws InvalidSettingException if {@code text} is not a valid address
     */
    public static RedisAddress parse(String variable, String text) {
        Matcher uri = URI.matcher(BARE.matcher(text).matches() ? "redis://" + text : text);
        try {
            if (uri.matches()) {
                boolean cluster = uri.group("cluster") != null;
                List<HostAndPort> nodes = Arrays.stream(uri.group("nodes").split(","))
                        .map(RedisAddress::node)
                        .toList();
                String database = uri.group("database");
                if (cluster ? database == null : nodes.size() == 1) {
                    return new RedisAddress(
                            !uri.group("tls").isEmpty(),
                            cluster,
                            nodes,
                            decoded(uri.group("user")),
                            decoded(uri.group("password")),
                            database == null || database.isEmpty() ? 0 : Integer.parseInt(database));
                }
            }
        } catch (IllegalArgumentException e) {
            // A port out of range, or a malformed escape. Handled below: this exception may quote the password.
        }
        throw new InvalidSettingException(variable, text.replaceAll("(?s)^([\\w-]+://)?.*@", "$1***@"), ALLOWED);
    }

    private static HostAndPort node(String text) {
        int colon = text.lastIndexOf(':');
        if (colon <= text.lastIndexOf(']')) {
            return new HostAndPort(text, DEFAULT_PORT);
        }
        int port = Integer.parseInt(text.substring(colon + 1));
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException();
        }
        return new HostAndPort(text.substring(0, colon), port);
    }

    private static Optional<String> decoded(String part) {
        return Optional.ofNullable(part)
                .map(encoded -> URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8))
                .filter(text -> !text.isEmpty());
    }

    /** The address without user and password. */
    @Override
    public String toString() {
        return "redis%s%s://%s%s"
                .formatted(
                        tls ? "s" : "",
                        cluster ? "-cluster" : "",
                        nodes.stream().map(HostAndPort::toString).collect(Collectors.joining(",")),
                        cluster ? "" : "/" + database);
    }
}
