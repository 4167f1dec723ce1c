package usercounter.settings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The validated settings from the environment variables. docs/configuration.md has the table of variables.
 *
 * @param port {@code PORT}, the HTTP port, 1 to 65535; Liberty reads the variable itself, this class only validates it
 * @param redis {@code REDIS_URL}; empty for the embedded Redis of development
 * @param redisPasswordFile {@code REDIS_PASSWORD_FILE}, read at each new connection, so that it can be rotated
 * @param redisCaFile {@code REDIS_CA_FILE}: the trusted certificate authorities; empty for those of Java
 * @param redisReplicas {@code REDIS_REPLICAS}: number of replicas that must have an increment on disk before it is
 *     acknowledged
 * @param redisDurability {@code REDIS_DURABILITY}: whether Redis must tell that it syncs each write to its disk
 * @param redisTimeout {@code REDIS_TIMEOUT}: maximum time that a request waits for Redis
 * @param idempotencyKeyTtl {@code IDEMPOTENCY_KEY_TTL}: time for which a repeated idempotency key gets the same answer
 */
public record Settings(
        int port,
        Optional<RedisAddress> redis,
        Optional<Path> redisPasswordFile,
        Optional<Path> redisCaFile,
        int redisReplicas,
        Durability redisDurability,
        Duration redisTimeout,
        Duration idempotencyKeyTtl) {

    /** The values of {@code REDIS_DURABILITY}. */
    public enum Durability {
        CHECKED,
        UNCHECKED
    }

    private static final Pattern PORT = Pattern.compile("\\d{1,5}");
    private static final Pattern REPLICAS = Pattern.compile("[0-5]");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,6})(ms|s|h)");

    /**
     * @param environment returns the value of a variable, empty if it is not set
     * @throws InvalidSettingException for the first variable with an invalid value
     */
    public static Settings from(Function<String, Optional<String>> environment) {
        Optional<RedisAddress> redis = environment.apply("REDIS_URL").map(url -> RedisAddress.parse("REDIS_URL", url));
        return new Settings(
                port(environment.apply("PORT").orElse("1323")),
                redis,
                passwordFile(environment.apply("REDIS_PASSWORD_FILE"), redis),
                environment.apply("REDIS_CA_FILE").map(file -> caFile(file, redis)),
                replicas(environment.apply("REDIS_REPLICAS").orElse("0")),
                durability(environment.apply("REDIS_DURABILITY").orElse("checked")),
                duration(
                        "REDIS_TIMEOUT",
                        environment.apply("REDIS_TIMEOUT").orElse("2s"),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(60),
                        "allowed are 100ms to 60s, as in 500ms or 2s"),
                duration(
                        "IDEMPOTENCY_KEY_TTL",
                        environment.apply("IDEMPOTENCY_KEY_TTL").orElse("24h"),
                        Duration.ofSeconds(60),
                        Duration.ofHours(168),
                        "allowed are 60s to 168h, as in 600s or 24h"));
    }

    private static int port(String text) {
        int port = PORT.matcher(text).matches() ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65535) {
            throw new InvalidSettingException("PORT", text, "allowed are 1 to 65535");
        }
        return port;
    }

    private static Optional<Path> passwordFile(Optional<String> text, Optional<RedisAddress> redis) {
        boolean isInUrl = redis.flatMap(RedisAddress::password).isPresent();
        if (isInUrl && text.isPresent()) {
            throw new InvalidSettingException(
                    "REDIS_PASSWORD_FILE", text.get(), "allowed only where REDIS_URL has no password of its own");
        }
        if (!isInUrl && text.isEmpty() && redis.flatMap(RedisAddress::user).isPresent()) {
            throw new InvalidSettingException(
                    "REDIS_URL",
                    redis.get().toString(),
                    "its user needs a password: add it, or set REDIS_PASSWORD_FILE");
        }
        return text.map(path ->
                file("REDIS_PASSWORD_FILE", path, "allowed is a readable UTF-8 file that is not empty", file -> {
                    if (password(file).isEmpty()) {
                        throw new IOException("empty");
                    }
                }));
    }

    private static Path caFile(String text, Optional<RedisAddress> redis) {
        if (redis.filter(RedisAddress::tls).isEmpty()) {
            throw new InvalidSettingException(
                    "REDIS_CA_FILE", text, "allowed only where REDIS_URL is for TLS, as in rediss://…");
        }
        return file(
                "REDIS_CA_FILE",
                text,
                "allowed is a readable file of PEM certificates",
                file -> TrustedCertificates.store(file).close());
    }

    private interface Reader {
        void read(Path file) throws IOException;
    }

    private static Path file(String variable, String text, String allowed, Reader reader) {
        try {
            Path file = Path.of(text);
            reader.read(file);
            return file;
        } catch (InvalidPathException | IOException | UncheckedIOException e) {
            throw new InvalidSettingException(variable, text, allowed);
        }
    }

    private static int replicas(String text) {
        if (!REPLICAS.matcher(text).matches()) {
            throw new InvalidSettingException("REDIS_REPLICAS", text, "allowed are 0 to 5");
        }
        return Integer.parseInt(text);
    }

    private static Durability durability(String text) {
        return switch (text) {
            case "checked" -> Durability.CHECKED;
            case "unchecked" -> Durability.UNCHECKED;
            default -> throw new InvalidSettingException("REDIS_DURABILITY", text, "allowed are checked and unchecked");
        };
    }

    private static Duration duration(
            String variable, String text, Duration shortest, Duration longest, String allowed) {
        Matcher matcher = DURATION.matcher(text);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            Duration duration = switch (matcher.group(2)) {
                case "h" -> Duration.ofHours(number);
                case "s" -> Duration.ofSeconds(number);
                default -> Duration.ofMillis(number);
            };
            if (duration.compareTo(shortest) >= 0 && duration.compareTo(longest) <= 0) {
                return duration;
            }
        }
        throw new InvalidSettingException(variable, text, allowed);
    }

    /** The password in a file, without the line break that editors add at the end. */
    public static String password(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
