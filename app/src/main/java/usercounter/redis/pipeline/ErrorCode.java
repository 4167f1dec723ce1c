package usercounter.redis.pipeline;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * The first word of an error reply: the codes that commands of a service may get.
 *
 * @see <a href="https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors">Simple errors</a>
 * @see <a href="https://github.com/redis/redis/blob/unstable/src/server.c">createSharedObjects in Redis's server.c</a>
 */
public enum ErrorCode {
    ASK,
    BUSY,
    CLUSTERDOWN(true, false),
    ERR,
    LOADING(true, false),
    MASTERDOWN(true, false),
    MISCONF(true, true),
    MOVED,
    NOAUTH(true, false),
    NOPERM,
    NOREPLICAS(true, true),
    OOM(false, true),
    READONLY(true, false),
    TRYAGAIN,
    WRONGPASS,
    WRONGTYPE,
    /** Every other code, and a reply without one. */
    OTHER;

    /** Before Redis 7, the error of a script has the error of its command at the end. */
    private static final Pattern CODE =
            Pattern.compile("(?:ERR Error running script .*: -)?([A-Z]+) .*", Pattern.DOTALL);

    private final boolean ofTheNode;
    private final boolean ofWritesOnly;

    ErrorCode() {
        this(false, false);
    }

    ErrorCode(boolean ofTheNode, boolean ofWritesOnly) {
        this.ofTheNode = ofTheNode;
        this.ofWritesOnly = ofWritesOnly;
    }

    public static ErrorCode of(JedisDataException reply) {
        Matcher matcher = CODE.matcher(String.valueOf(reply.getMessage()));
        String name = matcher.matches() ? matcher.group(1) : "";
        return Stream.of(values())
                .filter(code -> code.name().equals(name))
                .findFirst()
                .orElse(OTHER);
    }

    /** Whether it means "not this node, or not now": a new connection may lead to a node that serves. */
    boolean isOfTheNode() {
        return ofTheNode;
    }

    /** Whether the node serves reads, and refuses writes for now. */
    boolean isOfWritesOnly() {
        return ofWritesOnly;
    }
}
