package usercounter.redis;

import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Helpers for the failures of commands.
 *
 * @see <a href="https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors">Simple errors</a>
 */
public final class RedisErrors {

    /** Before Redis 7, the error of a script has the error of its command at the end. */
    private static final Pattern CODE =
            Pattern.compile("(?:ERR Error running script .*: -)?([A-Z]+) .*", Pattern.DOTALL);

    private RedisErrors() {}

    /** The code at the start of the reply, such as {@code READONLY}; empty if the reply has no code. */
    static String code(JedisDataException reply) {
        Matcher matcher = CODE.matcher(String.valueOf(reply.getMessage()));
        return matcher.matches() ? matcher.group(1) : "";
    }

    /** The failure without the {@link CompletionException} around it. */
    public static Throwable unwrapped(Throwable failure) {
        return failure instanceof CompletionException ? failure.getCause() : failure;
    }
}
