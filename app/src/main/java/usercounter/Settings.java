package usercounter;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the environment says, checked. README.md has the table of variables.
 *
 * @param port the HTTP port, 1 to 65535, {@code PORT}; Liberty reads the variable itself, here it is only checked
 * @param redis {@code REDIS_URL}; empty for the embedded Redis of development
 * @param redisPasswordFile {@code REDIS_PASSWORD_FILE}, read at each new connection, so that it can be rotated
 * @param redisTimeout {@code REDIS_TIMEOUT}: a request that Redis has not answered after this long is given up
 */
public record Settings(
        int port, Optional<RedisAddress> redis, Optional<Path> redisPasswordFile, Duration redisTimeout) {

    private static final Pattern PORT = Pattern.compile("\\d{1,5}");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,6})(ms|s)");
    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofSeconds(60);

    /**
     * @param environment the value of a variable, empty if it is not set
     * @throws InvalidSettingException for the first variable whose value cannot be used
     */
    static Settings from(Function<String, Optional<String>> environment) {
        Optional<RedisAddress> redis = environment.apply("REDIS_URL").map(url -> RedisAddress.parse("REDIS_URL", url));
        return new Settings(
                port(environment.apply("PORT").orElse("1323")),
                redis,
                environment.apply("REDIS_PASSWORD_FILE").map(file -> passwordFile(file, redis)),
                timeout(environment.apply("REDIS_TIMEOUT").orElse("2s")));
    }

    private static int port(String text) {
        int port = PORT.matcher(text).matches() ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65535) {
            throw new InvalidSettingException("PORT", text, "allowed are 1 to 65535");
        }
        return port;
    }

    private static Path passwordFile(String text, Optional<RedisAddress> redis) {
        Path file = Path.of(text);
        if (!Files.isReadable(file) || password(file).isEmpty()) {
            throw new InvalidSettingException(
                    "REDIS_PASSWORD_FILE", text, "allowed is a readable file that is not empty");
        }
        if (redis.flatMap(RedisAddress::password).isPresent()) {
            throw new InvalidSettingException(
                    "REDIS_PASSWORD_FILE", text, "allowed only where REDIS_URL has no password of its own");
        }
        return file;
    }

    private static Duration timeout(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            Duration timeout = matcher.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number);
            if (timeout.compareTo(SHORTEST) >= 0 && timeout.compareTo(LONGEST) <= 0) {
                return timeout;
            }
        }
        throw new InvalidSettingException("REDIS_TIMEOUT", text, "allowed are 100ms to 60s, as in 500ms or 2s");
    }

    /** The password in a file, without the line end that editors add. */
    static String password(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
