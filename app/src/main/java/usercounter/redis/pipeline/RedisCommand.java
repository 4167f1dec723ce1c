package usercounter.redis.pipeline;

import java.time.Duration;
import java.util.function.Function;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;

/**
 * A command for Redis. It is sent to one node after another until one of them runs it.
 *
 * @param function adds the command to a pipeline
 * @param write whether its effect must be durable before it succeeds
 * @param deadline the deadline for all nodes together, in terms of {@link System#nanoTime}
 * @param listener learns when the command is sent
 */
record RedisCommand<T>(
        Function<? super Pipeline, Response<T>> function, boolean write, long deadline, CommandListener listener) {

    private static final String[] NO_ARGUMENTS = {};

    static <T> RedisCommand<T> read(
            Function<? super Pipeline, Response<T>> function, Duration timeout, CommandListener listener) {
        return new RedisCommand<>(function, false, System.nanoTime() + timeout.toNanos(), listener);
    }

    static <T> RedisCommand<T> write(
            Function<? super Pipeline, Response<T>> function, Duration timeout, CommandListener listener) {
        return new RedisCommand<>(function, true, System.nanoTime() + timeout.toNanos(), listener);
    }

    /**
     * The same command for a node that does not yet own the key's slot.
     *
     * @see <a href="https://redis.io/docs/latest/commands/asking/">ASKING</a>
     */
    RedisCommand<T> asking() {
        return new RedisCommand<>(
                pipeline -> {
                    pipeline.sendCommand(Protocol.Command.ASKING, NO_ARGUMENTS);
                    return function.apply(pipeline);
                },
                write,
                deadline,
                listener);
    }

    /** The time until the deadline, in nanoseconds. Zero or negative after the deadline. */
    long nanosLeft() {
        return deadline - System.nanoTime();
    }
}
